/** Every key of a config: its type, limits, default, and the sentence that documents it. All else is derived from here. */
import { limits as bounds } from '@carillon/protocol';
import { z } from 'zod';
import { api } from './api.ts';
import { callback, jwt } from './auth.ts';
import {
  addressBlock,
  channelPattern,
  choice,
  dataSchema,
  duration,
  flag,
  key,
  list,
  map,
  origin,
  section,
  text,
  urlPath,
  whole,
} from './fields.ts';
import { hooks } from './hooks.ts';
import { ingest } from './ingest.ts';
import { rates } from './rates.ts';
import { webhooks } from './webhooks.ts';

const who = ['anyone', 'user', 'owner', 'subscriber', 'token', 'hook', 'nobody'] as const;
const gibibyte = 1_073_741_824;
const hostName = text(
  /^[^\s/:,]+$|^\[?[0-9a-fA-F:.]+\]?$/,
  "a host name or an IP address, such as '127.0.0.1'",
);
const noSpaces = 'a text without spaces, at most 8192 characters';

const server = {
  host: key(
    hostName.default('127.0.0.1'),
    'The address to listen on; anything but loopback needs an API key and a channel rule.',
    {
      flag: 'host',
    },
  ),
  port: key(whole(0, 65_535).default(6790), 'The TCP port to listen on; 0 takes any free one.', {
    flag: 'port',
  }),
  workers: key(
    z
      .union([z.literal('auto'), whole(1, 1_024)], {
        error: "must be 'auto' or a whole number from 1 to 1024",
      })
      .default('auto'),
    'Processes that share the port, so that every core is used; one needs no primary.',
    { flag: 'workers', type: "'auto' or number" },
  ),
  dataDir: key(
    text(/\S/, 'the path of a folder').optional(),
    'The folder that keeps histories over a restart; absent: everything is in memory. One server at a time may have it.',
    { flag: 'data', env: 'CARILLON_DATA', type: 'path' },
  ),
  sync: key(
    choice(['always', 'interval', 'off']).default('always'),
    'What a power cut may take of `dataDir`: `always` nothing that was answered, `interval` about the last second, `off` what the system had not written yet. The end of the process alone takes nothing.',
  ),
  drain: key(
    duration('0s', '10m').default('3s'),
    'How long SIGTERM waits for connections to end by themselves.',
  ),
  engine: key(
    z
      .union(
        [
          z.enum(['memory', 'redis', 'nats']),
          z.strictObject({ redis: z.strictObject({ url: z.string() }) }),
          z.strictObject({ nats: z.strictObject({ url: z.string() }) }),
        ],
        { error: "must be 'memory', 'redis', 'nats', { redis: { url } } or { nats: { url } }" },
      )
      .default('memory'),
    'Where publications are ordered and kept; this version knows `memory`.',
    { flag: 'engine', type: "'memory'" },
  ),
  insecure: key(
    flag().default(false),
    'Start on a host other than loopback even without an API key or a channel rule.',
    { flag: 'insecure' },
  ),
};

const tokenIdentity = section({
  user: key(
    z
      .union([text(/^[^\p{Cc}]{1,255}$/u, 'a text'), z.number().int()], {
        error: 'must be a text of 1 to 255 characters, or a whole number',
      })
      .optional(),
    'The user that the token stands for; a number becomes its decimal text.',
    { type: 'text or number' },
  ),
  info: key(z.json({ error: 'must be a JSON value' }).optional(), 'What others may see of the user.', {
    type: 'any JSON',
  }),
  tags: key(
    map(
      z.string(),
      z.union([z.string(), z.number(), z.boolean()], { error: 'must be a text, a number, true or false' }),
    ).optional(),
    'Marks on the session, by key.',
    { entry: 'key' },
  ),
  channels: key(
    list(channelPattern()).optional(),
    'Channel names or patterns that rules of kind `token` admit.',
  ),
});

const auth = section({
  anonymous: key(
    flag().default(false),
    'Whether a client without a token may use what rules open to `anyone`; development mode turns it on.',
  ),
  tokens: key(
    map(text(/^\S{1,8192}$/, noSpaces), tokenIdentity).default({}),
    'Fixed tokens and whom each stands for. Development mode has `demo-ada`, `demo-lin` and `demo-max`, where nothing here says who may log in.',
    {
      secret: 'names',
      entry: 'token',
    },
  ),
  jwt: key(
    jwt.optional(),
    'JSON Web Tokens: `sub` is the user; also `exp`, `nbf`, `info`, `tags`, `channels`.',
  ),
  callback: key(callback.optional(), 'A backend that judges the tokens that nothing before it knows.'),
  cookie: key(
    text(/^[!#$%&'*+.^_`|~\w-]+$/, "a cookie's name").optional(),
    'The cookie that carries a token; it counts only on requests from this site or from `origins`.',
    { type: 'text' },
  ),
});

const websocket = section({
  path: key(
    urlPath().default('/ws'),
    'Where the native protocol is served; `/carillon` when `paths` maps `/ws` and nothing else is said.',
  ),
  rawPaths: key(
    list(urlPath()).default(['/message-center']),
    'Paths with the same commands, where a publication arrives as its data alone.',
  ),
  pingInterval: key(duration('1s', '10m').default('25s'), 'How often a connection is pinged.'),
  pongTimeout: key(
    duration('100ms', '10m').default('10s'),
    'How long a ping may stay unanswered before close 3012.',
  ),
  stallTimeout: key(
    duration('1s', '1h').default('60s'),
    'How long a connection may leave bytes unread before close 3008.',
  ),
  maxFrameBytes: key(
    whole(1_024, 67_108_864).default(bounds.frameBytes),
    'The longest message that a client may send, fragments together; beyond it close 1009.',
  ),
});

const history = section({
  size: key(whole(1, 1_000_000).default(100), 'Publications that the channel keeps.'),
  ttl: key(duration('1s', '365d').default('10m'), 'How long each publication is kept.'),
});

const rule = section({
  subscribe: key(choice(who).default('nobody'), 'Who may subscribe.'),
  publish: key(choice(who).default('nobody'), 'Which clients may publish; the server API always may.'),
  readHistory: key(choice(who).optional(), 'Who may read the history; absent: who may subscribe.'),
  readPresence: key(choice(who).optional(), 'Who may read the presence; absent: who may subscribe.'),
  history: key(
    history.optional(),
    'What the channel keeps; absent: nothing. An inbox keeps 1000 publications for 30 days where this does not say otherwise.',
  ),
  schema: key(
    dataSchema().optional(),
    'What is published must fit this Standard Schema (zod, valibot, arktype); only a config in TypeScript or JavaScript can have one.',
    { type: 'Standard Schema' },
  ),
  presence: key(
    z
      .union([z.boolean(), z.strictObject({ announce: z.boolean() })], {
        error: 'must be true, false or { announce: true or false }',
      })
      .default(false),
    'Whether clients may ask who is there; `true` also announces `join` and `leave` to subscribers, `{ announce: false }` does not.',
    { type: 'boolean or { announce }' },
  ),
  inbox: key(
    z
      .union([z.boolean(), z.strictObject({ overdue: duration('1s', '365d').optional() })], {
        error: "must be true, false or { overdue: '10m' }",
      })
      .default(false),
    'Whether the channel is the inbox of the user that `{uid}` names; `{ overdue }` is how long a message may stay without an acknowledgement before `inboxOverdue` is told.',
    { type: 'boolean or { overdue }' },
  ),
});

const limits = section({
  connectionsPerAddress: key(
    whole(1, 10_000_000).default(bounds.connectionsPerAddress),
    'Open connections of one client address, at all workers together; loopback and trusted proxies are not counted.',
  ),
  channelsPerConnection: key(
    whole(1, 1_000_000).default(bounds.channelsPerConnection),
    'Channels on one connection; beyond it error 106.',
  ),
  publishesPerSecond: key(
    whole(1, 1_000_000).optional(),
    'Publications a second of one connection, beyond which error 111; absent: no such limit.',
  ),
  apiBodyBytes: key(
    whole(1_024, gibibyte).default(bounds.bodyBytes),
    'The body of one API request; beyond it status 413.',
  ),
  dataBytes: key(
    whole(1_048_576, 1_024 * gibibyte).default(bounds.dataBytes),
    'The file in `dataDir`; when it is full, publishing is refused until something has expired.',
  ),
  hookMemoryBytes: key(
    whole(16_777_216, 64 * gibibyte).default(bounds.hookMemoryBytes),
    'What the hooks of one worker may need in memory; a thread that needs more is ended and replaced.',
  ),
  memoryHistoryBytes: key(
    whole(1_048_576, 64 * gibibyte).default(bounds.memoryHistoryBytes),
    'All histories in memory together; the oldest go first.',
  ),
  laneLogBytes: key(
    whole(65_536, gibibyte).default(bounds.laneLogBytes),
    'What one channel keeps at each worker for connections that are behind; past it they read on from the history.',
  ),
  webhookQueueEvents: key(
    whole(100, 10_000_000).default(bounds.webhookQueueEvents),
    'Events that wait for one webhook; past it the oldest become dead letters.',
  ),
  webhookQueueBytes: key(whole(1_048_576, gibibyte).default(bounds.webhookQueueBytes), 'The same in bytes.'),
});

const presence = section({
  grace: key(
    duration('0s', '5m').default('5s'),
    'How long a client whose connection is gone is waited for before `leave`, `userOffline` and `channelVacated` are told; lists and counts change at once.',
  ),
});

const rendezvous = section({
  ttl: key(
    duration('1s', '10m').default('2m'),
    'How long each state may last: unscanned, unconfirmed, not collected.',
  ),
  path: key(
    urlPath().default('/rendezvous'),
    'Where a browser draws a code; it collects what was confirmed at `/consume` below.',
  ),
  scanUrl: key(
    text(
      /^[a-z][a-z0-9+.-]*:\S*\{code\}\S*$/i,
      "an address with {code} in it, such as 'https://m.example.com/login?code={code}'",
    ).optional(),
    'What the QR code says: the address that the phone opens; absent, the page makes its own of the code.',
    { type: 'text' },
  ),
  limits: key(
    section({
      open: key(whole(1, 10_000_000).default(100_000), 'Open rendezvous of all browsers together.'),
      perAddress: key(
        whole(1, 10_000_000).default(20),
        'Open rendezvous of one client address; loopback and trusted proxies are not counted.',
      ),
    }).prefault({}),
    'How many rendezvous may be open at a time, beyond which error 111.',
  ),
});

const log = section({
  level: key(
    choice(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
    'The least important line that is written.',
  ),
  format: key(
    choice(['auto', 'human', 'json']).default('auto'),
    'How lines look: `auto` is for people on a terminal and JSON elsewhere.',
  ),
});

/** The whole config. Strict: what it does not know is a fault. */
export const configSchema = section({
  ...server,
  api: key(api.prefault({}), 'The server API, for backends.'),
  auth: key(auth.prefault({}), 'How clients prove who they are.'),
  websocket: key(websocket.prefault({}), 'WebSocket connections.'),
  origins: key(list(origin()).default([]), 'Sites besides this one whose pages may connect.'),
  hosts: key(
    list(text(/^[^\s/:@]+(?::\d{1,5})?$/, "a host name, such as 'push.example.com'")).default([]),
    'Names besides loopback ones that `Host` may carry in development mode.',
  ),
  trustProxy: key(list(addressBlock()).default([]), 'Proxies whose `X-Forwarded-For` is believed.', {
    type: 'list of address blocks',
  }),
  paths: key(
    map(
      urlPath(),
      section({
        channel: key(
          channelPattern(),
          'The channel that the path serves; `{name}` is taken from the query.',
          { type: 'text' },
        ),
      }),
    ).default({}),
    'Further paths for simple subscribers, as `/sub` serves them.',
    { entry: 'path' },
  ),
  channels: key(
    map(channelPattern(), rule).default({}),
    'Rules by channel pattern, the most specific first; a channel that none matches is closed to clients.',
    { entry: 'pattern' },
  ),
  presence: key(presence.prefault({}), 'Who is in a channel, and when it is told that somebody is gone.'),
  ingest: key(ingest.prefault({}), 'Publications that come from elsewhere.'),
  hooks: key(
    hooks.optional(),
    'What the application decides itself: a file in TypeScript or JavaScript, or an object of hooks, each a function or `{ url }`; docs/guides/hooks.md shows it.',
    { type: 'path or object' },
  ),
  hookTimeout: key(
    duration('10ms', '10m').default('5s'),
    'How long a hook may take; then error 108, also when it loops.',
  ),
  webhooks: key(
    webhooks.default([]),
    'Backends that are told when clients and channels come and go; the guide docs/guides/webhooks.md shows it.',
  ),
  rendezvous: key(
    rendezvous.optional(),
    'One-time channels in which a browser and a phone meet, as in a login by QR code; absent, there are none outside development mode.',
  ),
  limits: key(limits.prefault({}), 'Bounds on what one client, or all together, may use.'),
  rates: key(
    rates.prefault({}),
    "How often something may happen: `'100/s'` is a hundred at once, and a hundred more spread over each second.",
  ),
  log: key(log.prefault({}), 'What the server writes to stderr.'),
});

/** A config as people write it: every key may be absent. */
export type CarillonConfig = z.input<typeof configSchema>;

/** A config with every default filled in. */
export type CompleteConfig = z.output<typeof configSchema>;
