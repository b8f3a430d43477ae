/** Plain counters that the hot path keeps and telemetry reads. All of them only rise. */
export interface Counters {
  publications: number;
  /** Publications, joins and leaves handed to connections, by wire. */
  readonly deliveries: Map<string, number>;
  /** Bytes of publications handed to connections. */
  deliveredBytes: number;
  /** Gaps told to subscribers. */
  gaps: number;
  /** Times that a channel's subscribers were told of one who came or went, by `join` and `leave`. */
  readonly presenceEvents: Map<string, number>;
  /** Histories read again because a lane's log was not enough. */
  rereads: number;
  /** Acknowledgements that moved a cursor. */
  acks: number;
  /** Times that the application was told of overdue messages. */
  overdue: number;
  /** Inboxes with unacknowledged messages that were not watched, because too many were. */
  overdueUnwatched: number;
  /** Inboxes whose cursors were forgotten, because all together were too many. */
  inboxesGivenUp: number;
  /** Refused commands by error code. */
  readonly errors: Map<number, number>;
  /** Connections ended by the server, by close code. */
  readonly disconnects: Map<number, number>;
}

export function createCounters(): Counters {
  return {
    publications: 0,
    deliveries: new Map(),
    deliveredBytes: 0,
    gaps: 0,
    presenceEvents: new Map(),
    rereads: 0,
    acks: 0,
    overdue: 0,
    overdueUnwatched: 0,
    inboxesGivenUp: 0,
    errors: new Map(),
    disconnects: new Map(),
  };
}

export function increment<Key>(counts: Map<Key, number>, key: Key, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
