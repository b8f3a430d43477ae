/** The keys of `ingest`: what else is published, besides the API and clients. */
import type { z } from 'zod';
import {
  channelPattern,
  choice,
  flag,
  key,
  list,
  listenAddress,
  map,
  section,
  text,
  whole,
} from './fields.ts';

const redisUrl = text(
  /^(?:rediss?:\/\/[^\s/]+(?:\/\d{0,6})?|unix:\/\/\/\S+)$/,
  "a URL such as 'redis://127.0.0.1:6379', 'rediss://user:password@redis.example.com:6380/0' or 'unix:///run/redis/redis.sock'",
);
const word = text(/^[\x21-\x7e]{1,255}$/, 'a text of printable ASCII without spaces, at most 255 characters');
const secretText = text(/^[\s\S]{1,8192}$/, 'a text of 1 to 8192 characters');
const redisKey = text(/^[\s\S]{1,512}$/, 'a text of 1 to 512 characters');
const path = text(/\S/, 'the path of a file');

const sentinel = section({
  name: key(word, 'What the Sentinels call the primary, such as `mymaster`.', { type: 'text' }),
  addresses: key(
    list(listenAddress()).min(1, { error: 'must name at least one' }),
    'Sentinels to ask, `host:port` each.',
    {
      type: 'list of host:port',
    },
  ),
  username: key(secretText.optional(), 'The user that the Sentinels ask for.'),
  password: key(secretText.optional(), 'The password that the Sentinels ask for.', { secret: 'value' }),
  database: key(whole(0, 999_999).default(0), 'The database of the primary; means nothing to PUBLISH.'),
});

const tls = section({
  ca: key(
    path.optional(),
    'The authorities that may have signed the certificate; absent: those that Node.js knows.',
    {
      type: 'path',
    },
  ),
  certificate: key(path.optional(), 'The certificate by which this server proves who it is.', {
    type: 'path',
  }),
  key: key(path.optional(), 'The private key of `certificate`.', { type: 'path' }),
  serverName: key(word.optional(), "The name that the certificate must carry; absent: the host's."),
  verify: key(flag().default(true), 'Whether the certificate is checked; `false` believes whoever answers.'),
});

const streams = section({
  group: key(
    word.default('carillon'),
    'The consumer group; servers that do not share an engine need groups of their own.',
  ),
  keys: key(map(redisKey, channelPattern()).default({}), 'The channel that each stream feeds.', {
    entry: 'stream',
  }),
});

const lists = section({
  take: key(
    choice(['left', 'right']).default('left'),
    'The end from which items are taken: `left` where publishers RPUSH, `right` where they LPUSH.',
  ),
  keys: key(map(redisKey, channelPattern()).default({}), 'The channel that each list feeds.', {
    entry: 'list',
  }),
});

const redis = section({
  url: key(redisUrl.optional(), 'The Redis to listen to; `rediss://` is with TLS.', { secret: 'value' }),
  sentinel: key(sentinel.optional(), 'Instead of `url`: Sentinels that know where the primary is.'),
  cluster: key(
    list(listenAddress()).min(1, { error: 'must name at least one' }).optional(),
    'Instead of `url`: some nodes of a Redis Cluster, `host:port` each.',
    { type: 'list of host:port' },
  ),
  username: key(secretText.optional(), 'The user (ACL); wins over that of `url`.'),
  password: key(secretText.optional(), 'The password; wins over that of `url`.', { secret: 'value' }),
  tls: key(tls.optional(), 'TLS, on as soon as this is there, if only as `{}`.'),
  connectionName: key(word.default('carillon'), 'What CLIENT LIST shows of the connections.'),
  consumer: key(
    word.default('carillon'),
    "This server's name in consumer groups and processing lists; servers that share a group need different ones.",
  ),
  required: key(
    flag().default(false),
    'Whether the server ends with status 69 when Redis cannot be used at its start, instead of trying on.',
  ),
  channels: key(
    map(redisKey, channelPattern()).default({}),
    'What is published on a Redis channel, or on those that a pattern matches, goes to this channel; `*` and `{name}` are carried over.',
    { entry: 'pattern' },
  ),
  streams: key(streams.optional(), 'Redis Streams, read by a consumer group.'),
  lists: key(lists.optional(), 'Redis lists, taken from as queues.'),
});

export const ingest = section({
  redis: key(
    redis.optional(),
    'What is published on a Redis becomes publications; the guide docs/guides/redis-ingest.md shows it.',
  ),
});

/** The section as it is when it was checked. */
export type RedisIngestConfig = z.output<typeof redis>;
