#!/usr/bin/env bash
# Publishes once, although it asks twice, and reads the history back: examples/curl/publish.sh [CHANNEL]
set -euo pipefail
server=${CARILLON_URL:-http://127.0.0.1:6790}
channel=${1:-room:lobby}
key=$(date +%s%N)

call() {
  curl --silent --show-error "$server/v1/$1" -H 'Content-Type: application/json' \
    -H "Authorization: Bearer ${CARILLON_API_KEY:-not-needed-in-development}" --data-binary @-
  echo
}

# A retry after a lost answer: the same idempotency key, the same answer, one publication.
for _ in 1 2; do
  call publish << JSON
{"channel":"$channel","data":{"name":"curl","text":"hello"},"idempotency_key":"$key"}
JSON
done

call history << JSON
{"channel":"$channel","limit":10}
JSON
