/** Every bound of Carillon in one table, with the reason beside each. Sizes are bytes of UTF-8 unless the name says otherwise. */
export const limits = {
  /** A channel's name. It stands in every frame of the channel. */
  channelNameBytes: 255,
  /** Open connections of one client address (429). */
  connectionsPerAddress: 1_000,
  /** Channels on one connection; more is a client that should aggregate (error 106). */
  channelsPerConnection: 128,
  /** Entries of a cursor that a client hands back. */
  channelsPerCursor: 1_024,
  /** A whole WebSocket message, fragments together (close 1009). */
  frameBytes: 65_536,
  /** Commands of one connection that await an answer; beyond it the socket is not read. */
  pendingCommands: 1_000,
  /** Frames of the largest size that one POST of a native session over HTTP may have together (413). */
  postFrames: 4,
  /** POSTs of one such session that are held while it takes no commands; beyond it status 429. */
  heldPosts: 8,
  /** What waits for one such session that is polled, besides a last write that is larger. */
  mailboxBytes: 262_144,
  /** How long such a session lives without a poll. */
  pollIdleMs: 30_000,
  /** What a client that reads slowly is given on top: a second for so many bytes of the last answer. */
  pollIdleBytesPerSecond: 4_096,
  /** How long a poll is held that does not say for how long, on `/sub` and on `/stream`; and at most. */
  defaultPollMs: 27_000,
  longestPollMs: 60_000,
  /** Messages in one answer of a poll of `/sub`, unless a single one is larger; the next poll gets the rest. */
  pollAnswerBytes: 262_144,
  /** Commands in one batch frame. */
  batchCommands: 1_000,
  /** Replies that were error 107 or 104 in a row before a connection is closed with 3508. */
  consecutiveErrors: 100,
  /** Tokens that one connection may show in vain, one after another, before it is closed with 3508. */
  refusedTokens: 10,
  /** The body of one API request (413). */
  bodyBytes: 1_048_576,
  /** Arrays and objects within each other in what is published; some clients' parsers run out of stack on more. */
  nesting: 512,
  /** How long the head of a request may take (408). */
  requestHeadMs: 10_000,
  /** How long a whole request may take (408). */
  requestMs: 30_000,
  /** How long a connection without a request is kept: longer than load balancers do (60 s), so that they close it. */
  keepAliveMs: 65_000,
  /** Sockets of one address past `connectionsPerAddress` that still get an answer (429); further ones are cut off. */
  refusedSockets: 64,
  /** The name of a function that JSONP or an iframe calls, in characters. */
  callbackCharacters: 128,
  /** Such functions of iframes whose frames are shared; pages that name others get frames of their own. */
  sharedCallbacks: 64,
  /** Requests in one API batch. */
  batchRequests: 1_000,
  /** Answers of one API batch: the requests after so much are not run. */
  batchAnswerBytes: 16_777_216,
  /** Faults of one API request that its refusal names: enough to mend it with. */
  namedFaults: 20,
  /** Channels of one API broadcast. */
  broadcastChannels: 1_000,
  /** Channels that one listing names. */
  listedChannels: 10_000,
  /** Wildcards of a pattern in a request: each multiplies the work of matching. */
  patternWildcards: 4,
  /** Publications that one history answer carries at most. */
  historyPage: 1_000,
  /** Bytes of publications that one history answer carries at most. */
  historyPageBytes: 1_048_576,
  /** An idempotency key. */
  idempotencyKeyBytes: 255,
  /** A session id as a client names one it had before, an epoch, a device, a user. */
  nameBytes: 255,
  /** A token, wherever it comes from. */
  tokenBytes: 8_192,
  /** Channels or patterns that a token lists. */
  tokenChannels: 1_000,
  /** The answer of the auth callback (108). */
  authAnswerBytes: 65_536,
  /** Tokens that wait for their turn at the auth callback; beyond it error 108. */
  authWaiting: 1_000,
  /** The key set behind `auth.jwt.jwksUrl`. */
  jwksBytes: 262_144,
  /** How long such a key set is used before it is asked for again; one that cannot be renewed stays in use. */
  jwksTtlMs: 600_000,
  /** How long the answer with a key set may take. */
  jwksTimeoutMs: 5_000,
  /** The least time between two requests for a key set, whatever tokens ask for; a server that has none yet asks every second. */
  jwksCooldownMs: 30_000,
  /** Webhooks, those among them that left the config and still have something to deliver. */
  webhooks: 16,
  /** Secrets of one webhook. */
  webhookSecrets: 8,
  /** Events that wait for one webhook, and their bytes; past it the oldest become dead letters. */
  webhookQueueEvents: 50_000,
  webhookQueueBytes: 16_777_216,
  /** Events of one request, unless a single one is larger; the rest goes with the next. */
  webhookBatchBytes: 262_144,
  /** Events in the dead letters of one webhook, and their bytes; past it the oldest are forgotten, which is counted and logged. */
  webhookDeadEvents: 10_000,
  webhookDeadBytes: 4_194_304,
  /** What is read of the answer of a webhook, so that its connection can be kept; past it the connection is cut. */
  webhookAnswerBytes: 65_536,
  /** The longest `Retry-After` of a webhook that is obeyed. */
  webhookRetryAfterMs: 3_600_000,
  /** What webhooks are given at the end of the server at least, where clients took all of `drain`. */
  webhookFarewellMs: 1_000,
  /** Paths that a reload of the config names: those that changed, and those that need a restart. */
  listedChanges: 1_000,
  /** Dead letters that one answer lists, and the bytes of events that it shows. */
  listedDeadLetters: 100,
  listedDeadBytes: 1_048_576,
  /** Devices of one user's inbox; the one that was away longest is forgotten, and gets again what is kept. */
  inboxDevices: 32,
  /** Inboxes and devices whose cursors are kept, together; those of the inbox that was used longest ago go first, and cost a repetition. */
  inboxEntries: 500_000,
  /** Inboxes with messages that nobody has acknowledged, which are watched for `inboxOverdue`; further ones are not. */
  watchedInboxes: 200_000,
  /** Publications of which each process remembers what became of them, to explain it; the oldest go first. */
  tracedPublications: 16_384,
  /** Refused publications and subscribes that are remembered so; apart from the others, whom they must not push out. */
  tracedRefusals: 4_096,
  /** Subscriptions, and sessions, that are over and remembered so. */
  tracedSubscriptions: 16_384,
  /** Gaps and stalls that are remembered so, and acknowledgements. */
  tracedTroubles: 8_192,
  /** What is remembered of the message of such a refusal, in characters. */
  tracedTextCharacters: 256,
  /** Excluded sessions and users that are remembered of a publication; of one with more, history knows. */
  tracedExclusions: 8,
  /** Workers that are gone, of which a primary remembers when that was. */
  tracedWorkers: 16,
  /** Sessions, and traces of each kind, that one explanation names; the newest. */
  explainedTraces: 50,
  /** Lines of its timeline; the last. */
  explainedEntries: 200,
  /** Excluded sessions and users of one publication. */
  exclusions: 1_000,
  /** Sessions, users or groups that one request of the server API addresses by name. */
  addressees: 1_000,
  /** Sessions, groups or members that one answer lists. */
  listedSessions: 1_000,
  /** A tag expression of the server API. */
  whereBytes: 1_024,
  /** Parentheses and `!` within each other in a tag expression. */
  whereDepth: 16,
  /** Tags that the server API gives to one session or one user, and takes from its token. */
  tags: 64,
  /** Users to whom the server API gave tags, online or not. */
  taggedUsers: 100_000,
  /** Groups that exist at the same time. */
  groups: 100_000,
  /** Memberships of sessions and users in all groups together. */
  groupMemberships: 1_000_000,
  /** What the server API keeps with one session, as JSON. */
  contextBytes: 16_384,
  /** Members of such a context, on its first level. */
  contextMembers: 256,
  /** Users, or addresses, that one rate keeps count of; past it some are forgotten, and may begin anew. */
  rateBuckets: 100_000,
  /** Users and tokens that are blocked at the same time. */
  blocks: 100_000,
  /** How long a block lasts that does not say for how long; and at most. */
  blockMs: 86_400_000,
  longestBlockMs: 31_536_000_000,
  /** How long a client that is gone is waited for before a `leave`, `userOffline` or `channelVacated` is told. */
  graceMs: 5_000,
  /** Clients, users and channels that are waited for; the going of further ones is told at once. */
  absences: 250_000,
  /** Members of a channel beyond which `join` and `leave` are no longer announced. */
  announcedMembers: 1_000,
  /** Members that one answer of `presence` lists; beyond it come the numbers of all. */
  listedMembers: 1_000,
  /** Bytes of members that one such answer lists. */
  presenceBytes: 1_048_576,
  /** Sessions of a member in a row whose changing was not told; then one is. */
  formerSessions: 16,
  /** The reason of a close, as WebSocket allows it. */
  closeReasonBytes: 123,
  /** How long a connection may take to end once the server ends it; then its socket is destroyed. */
  closeMs: 5_000,
  /** What the browser is told about who scanned its code, as JSON. */
  rendezvousInfoBytes: 2_048,
  /** What a confirmed rendezvous holds for the browser, as JSON. */
  rendezvousDataBytes: 8_192,
  /** The body of a browser's request about a rendezvous (413). */
  rendezvousBodyBytes: 1_024,
  /** What is kept of the name of the browser that shows a code, in characters: enough to tell one from another. */
  rendezvousAgentCharacters: 256,
  /** Calls of hooks that await an answer, and the text of their events together; beyond it error 108. */
  hookCalls: 10_000,
  hookCallBytes: 67_108_864,
  /** The answer of a hook, as JSON (100). */
  hookAnswerBytes: 1_048_576,
  /** The message of a hook's refusal; more of it is cut off. */
  hookMessageCharacters: 1_024,
  /** Events without an answer, such as `disconnect`, that hooks work at, and that wait for them; further ones are dropped, counted and logged. */
  hookEventsAtOnce: 256,
  hookEvents: 10_000,
  /** Requests to a backend at the same time for one hook that is a URL, and those that wait for their turn (108). */
  hookUrlsAtOnce: 64,
  hookUrlsWaiting: 1_000,
  /** Requests of hooks to the server API that await an answer (106). */
  hookRequests: 1_000,
  /** Lines that hooks may log a second, and the length of each and of its fields. */
  hookLogLines: 100,
  hookLogCharacters: 4_096,
  /** Files of the hooks that are watched for changes. */
  hookFiles: 1_000,
  /** How long the hooks may take to load. */
  hookLoadMs: 30_000,
  /** What hooks were told at the end of the server, such as `disconnect`, may take so long, besides what is left of `drain`. */
  hookFarewellMs: 1_000,
  /** What the hooks may keep in memory, in the heap of their thread and besides it. */
  hookMemoryBytes: 268_435_456,
  /** Failures in a row after which a hook is not asked (108), and for how long. */
  hookFailures: 5,
  hookPauseMs: 5_000,
  /** Publications of all channels that wait for a hook, or for a schema which answers later; beyond it error 108. */
  waiting: 10_000,
  /** What these hold together; a single one may be larger. */
  waitingBytes: 67_108_864,
  /** How long a channel's schema may take to judge a publication (108). */
  schemaCheckMs: 5_000,
  /** Faults of a publication that its refusal names. */
  schemaIssues: 5,
  /** Publications from Redis that the broker has not taken yet; further ones are told as lost. */
  ingestWaiting: 10_000,
  /** The name of a Redis channel that is listened to; a publication under a longer one is refused and counted. */
  ingestNameBytes: 1_024,
  /** How long a WebSocket that must authenticate may stay silent about it. */
  authTimeoutMs: 10_000,
  /** What one write hands to a connection at most, and so what a stalled one pins. */
  joinedWriteBytes: 262_144,
  /** What may wait for one connection besides publications: replies and events; past it the connection is closed with 3008. */
  outboxBytes: 4_194_304,
  /** Frames of all channels that wait to be written to those who keep up; past it a publish is answered only when they have left. */
  gatheredBytes: 8_388_608,
  /** Frames and bytes that one channel keeps for connections that are behind; past it they re-read history. */
  laneLogFrames: 4_096,
  laneLogBytes: 1_048_576,
  /** All histories of the memory broker together, with their bookkeeping. */
  memoryHistoryBytes: 268_435_456,
  /** How long an idle channel's epoch and top offset outlive its history. */
  positionTtlMs: 86_400_000,
  /** Channels without history that the durable log need not be asked about. */
  uncountedChannels: 100_000,
  /** How long an idempotency key is remembered. */
  idempotencyTtlMs: 300_000,
  /** The file of the durable log; when it is full, publishing is refused (108). */
  dataBytes: 17_179_869_184,
  /** Data that waits for the durable log; beyond it publishing is refused (108). */
  logWaitingBytes: 67_108_864,
  /** Data, and requests, that the durable log commits at once. */
  logBatchBytes: 4_194_304,
  logBatchRequests: 4_096,
  /** What waits for a worker that is behind; beyond it the worker is told of a gap and reads history. */
  linkWaitingBytes: 16_777_216,
  /** What waits for a primary that is behind; beyond it publishing and other questions are refused (108). */
  linkAskedBytes: 67_108_864,
  /** What waits for a worker until publishers have to wait for it; and how long they do, until the worker has caught up. */
  linkFullBytes: 1_048_576,
  linkPatienceMs: 1_000,
  /** Questions of one worker that await an answer; beyond it error 108. */
  linkQuestions: 100_000,
  /** One frame between two processes of a server; and what waits for a process of it, answers included, past which its link is cut. */
  linkFrameBytes: 268_435_456,
  linkBytes: 268_435_456,
  /** How long a worker may take to answer what is asked of all. */
  workerAnswerMs: 5_000,
  /** Groups whose connected sessions workers are asked to count at once. */
  talliedGroups: 100,
  /** How long a publication may take to come back, for `/readyz`; a worker waits a little longer for the primary's answer. */
  readyMs: 2_000,
  readyLinkMs: 500,
  /** How often a worker tells the primary what it has counted, which would be lost with it. */
  reportMs: 1_000,
  /** How long a worker may take to tell its figures, for `info` and `/metrics`; those of before stand for it then. */
  reportAnswerMs: 1_000,
  /** How long an answer that is late is waited for before the question is put again. */
  askAgainMs: 30_000,
  /** How long a worker may take to start. */
  workerStartMs: 30_000,
  /** The wait before a worker that died is replaced: at first, and at most; it doubles while workers die soon. */
  workerBackoffMs: 100,
  longestWorkerBackoffMs: 30_000,
  /** How long a worker must have served for its end not to count as soon. */
  workerSettledMs: 10_000,
  /** How often a worker is asked whether it lives. */
  workerPulseMs: 2_000,
  /** How long a worker may leave that unanswered before it is killed and replaced. */
  workerSilentMs: 20_000,
  /** How long a client that is closed at the server's end has to answer, besides `drain`. */
  closingMs: 1_000,
  /** What `carillon chaos` runs at most. */
  chaosSeconds: 3_600,
  chaosReaders: 200,
  chaosPublishers: 64,
  chaosChannels: 100,
  chaosWorkers: 16,
  /** Publications that all its readers get together; publishers go slower where it would be more. */
  chaosDeliveries: 5_000_000,
} as const;
