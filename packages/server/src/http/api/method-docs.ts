/** What a method tells people about itself beside its schemas: the material of docs/api/<method>.md and of /openapi.json. */
import type { ErrorName } from '@carillon/protocol';

/** Every method has one; the compiler asks for it. `npm run generate` writes the page, and a test runs its example. */
export interface MethodDocs {
  /** Under which heading the index lists it. */
  readonly theme: Theme;
  /** What it does, what it leaves alone, and what to know before calling it. Paragraphs of Markdown, without links. */
  readonly description: string;
  /** The refusals that are this method's own; {@link commonRefusals} are told by every page anyway. */
  readonly errors: readonly Refusal[];
  readonly example: MethodExample;
}

/** When a request is answered with an error instead of a result. */
export interface Refusal {
  readonly error: ErrorName;
  /** Where it is not the usual status of that error. */
  readonly status?: number;
  /** A sentence: when that is, and what to do about it. */
  readonly when: string;
}

/**
 * A request and its answer as they stand on the page. The test plays them against a server with the config of
 * docs/api/carillon.config.ts, so every value must be what that server really answers, but for epochs, ids of sessions,
 * cursors and what `varies` names.
 */
export interface MethodExample {
  /** What happens before, in this order. */
  readonly before?: readonly Step[];
  readonly params: object;
  readonly result: object;
  /** Further members of the result whose values no two servers share, such as `pid`. */
  readonly varies?: readonly string[];
  /** What can be seen after, such as the event that a client gets. */
  readonly after?: readonly Step[];
}

/** One step around an example; `says` is a sentence above it, ending with a colon. */
export type Step = ClientStep | CallStep | PostStep;

/** A client on a WebSocket of its own that stays open: `> ` is what it sends, `< ` what it gets next. */
export interface ClientStep {
  readonly says?: string;
  /** A name, so that a later step can go on with the same one. */
  readonly client: string;
  readonly lines: readonly string[];
}

/** Another method of the API. The answer is shown where it is given. */
export interface CallStep {
  readonly says?: string;
  readonly call: string;
  readonly params: object;
  readonly result?: object;
  readonly varies?: readonly string[];
}

/** A request without a key, as a browser sends it. */
export interface PostStep {
  readonly says?: string;
  readonly post: string;
  readonly body?: object;
  readonly answer: object;
  readonly varies?: readonly string[];
}

/** The headings of the index, in its order. */
export const themes = {
  publishing: 'Publishing and history',
  sending: 'Reaching clients that are connected',
  sessions: 'Sessions and users',
  groups: 'Groups and tags',
  presence: 'Presence',
  inbox: 'Inboxes',
  access: 'Access',
  rendezvous: 'Login by QR code',
  operation: 'The server',
  connmix: 'Calls of connmix',
} as const;

export type Theme = keyof typeof themes;

/** What any method may answer. */
export const commonRefusals: readonly Refusal[] = [
  {
    error: 'badRequest',
    when: 'The body is not one JSON object, or a field is missing, unknown or ill-typed; the message names each.',
  },
  { error: 'badRequest', status: 415, when: 'The body is compressed, or its `Content-Type` is not JSON.' },
  {
    error: 'limitExceeded',
    status: 413,
    when: 'The body is larger than `limits.apiBodyBytes` (1 MiB by default).',
  },
  { error: 'unauthorized', when: 'The API key is missing or wrong.' },
  {
    error: 'permissionDenied',
    when: "The key's `scopes` or `channels` do not admit this. In development mode, where no key is needed: the request comes from a page of another site.",
  },
  {
    error: 'tooManyRequests',
    when: 'The key makes more requests than its rate allows; the header `Retry-After` says when to come again.',
  },
  {
    error: 'internal',
    when: 'A fault of the server; its log has the cause. With an `idempotency_key` a publish can safely be repeated.',
  },
];

/** The refusals that several methods share. */
export const refusals = {
  noSession: {
    error: 'notAvailable',
    status: 404,
    when: 'There is no such session; it may have ended.',
  },
  notReady: {
    error: 'notAvailable',
    when: "The server is closing, or the channel's schema did not answer in time. Try again.",
  },
} as const satisfies Record<string, Refusal>;

/** The id of {@link annConnects}' session in examples; the test puts the real one in its place. */
export const annsSession = 'pD3Vn0QxkW7uTz5a';

/** A first step that most examples about clients begin with: the user 1001, tagged `vip` and `city=sh`, logs in. */
export const annConnects: ClientStep = {
  says: 'A client logs in:',
  client: 'ann',
  lines: [
    '> {"id":1,"op":"auth","token":"token-of-ann"}',
    `< {"id":1,"result":{"session":"${annsSession}","user":"1001"}}`,
  ],
};
