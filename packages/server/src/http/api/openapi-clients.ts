/** What /openapi.json says of the paths that clients use. */

const failure = {
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Failure' } } },
};

export const clientTag = {
  name: 'Clients',
  description: 'What browsers and devices use; with a token, or without one where the rules let `anyone`.',
};

const tags = [clientTag.name];

function query(name: string, description: string, schema: object = { type: 'string' }): object {
  return { name, in: 'query', description, schema };
}

function header(name: string, description: string): object {
  return { name, in: 'header', description, schema: { type: 'string' } };
}

/** `/sub?channel=A&channel=B` */
const channels = {
  name: 'channel',
  in: 'query',
  required: true,
  description: 'A channel. May be repeated.',
  schema: { type: 'array', items: { type: 'string', minLength: 1, maxLength: 255 }, minItems: 1 },
  example: ['news'],
};

const token = query('token', "A client's token. It is never logged.");
const device = query(
  'device',
  "Which of the user's devices this is: in an inbox each has a place of its own.",
);
const callback = query('callback', 'The name of a function: the answer is JSONP, a call of it.');

const refused = {
  400: { description: 'A bad name, cursor or number, or too many channels.', ...failure },
  401: { description: 'A token is needed, or the one that came is refused.', ...failure },
  403: { description: 'The rules, or the origin of the page, say no.', ...failure },
  404: { description: 'No rule knows the channel.', ...failure },
  503: { description: 'Who knows cannot be asked now.', ...failure },
};

const message = {
  type: 'object',
  properties: {
    channel: { type: 'string' },
    data: { description: 'As it was published; base64 where `binary` is.' },
    offset: { type: 'integer', description: 'Absent where the channel keeps no history.' },
    binary: { const: true },
    cursor: { type: 'string', description: 'Hand it back to get what comes after this.' },
  },
  required: ['channel', 'data'],
};

const pollAnswer = {
  type: 'object',
  properties: {
    messages: { type: 'array', items: message },
    cursor: {
      type: 'string',
      description: 'Hand it back as `?cursor=`: nothing is missed, nothing comes twice.',
    },
    recovered: { const: false, description: 'Something after the cursor is gone.' },
    status: { const: 1, description: 'The time is over without a message.' },
    tips: { const: 'timeout' },
  },
  required: ['messages', 'cursor'],
};

const sub = {
  operationId: 'sub',
  summary: 'Subscribes to channels; how the messages come follows from the request.',
  description:
    '`Upgrade: websocket`: a WebSocket with bare data. `Accept: text/event-stream`: Server-Sent Events. `Accept: application/x-ndjson`: a line of JSON each. Anything else: a long-poll. `transport` overrides it. Nothing is sent before every subscription is in force.',
  tags,
  security: [],
  parameters: [
    channels,
    query('transport', 'In place of what the headers say.', {
      enum: ['websocket', 'sse', 'ndjson', 'iframe', 'longpoll'],
    }),
    query('cursor', 'Where the last answer, on whichever transport, ended.'),
    header('Last-Event-ID', 'The cursor, as an EventSource sends it; it wins over `cursor`.'),
    query('from', 'Without a cursor: begin with all that is kept.', { const: 'oldest' }),
    query('last', 'Without a cursor: begin with the newest of each channel.', {
      type: 'integer',
      minimum: 1,
      maximum: 1000,
    }),
    query('timeout', 'How long a long-poll waits: `250ms`, `10s`, `1m`, or seconds; at most 60 s.', {
      type: 'string',
      default: '27s',
    }),
    query(
      'format',
      '`raw`: a long-poll answers the bare data of one message; `json`: a WebSocket gets objects.',
      {
        enum: ['raw', 'json'],
      },
    ),
    callback,
    token,
  ],
  responses: {
    101: { description: 'The WebSocket is open.' },
    200: {
      description: 'Messages, or the end of the time.',
      content: {
        'application/json': {
          schema: pollAnswer,
          example: {
            messages: [{ channel: 'news', data: { text: 'hello' }, offset: 1, cursor: 'AQkuZXdz' }],
            cursor: 'AQkuZXdz',
          },
        },
        'text/event-stream': { schema: { type: 'string' } },
        'application/x-ndjson': { schema: message },
        'text/javascript': { schema: { type: 'string' } },
        'text/html': { schema: { type: 'string' } },
      },
    },
    204: { description: 'With `format=raw`: the time is over without a message.' },
    ...refused,
  },
};

const pub = {
  operationId: 'pub',
  summary: 'Publishes a body as it is: text that is JSON as that JSON, other text as a string.',
  description: 'With an API key, or where a rule lets this client publish into every channel named.',
  tags,
  security: [{ bearer: [] }, { header: [] }, {}],
  parameters: [channels, token, callback],
  requestBody: {
    required: true,
    content: {
      'text/plain': { schema: { type: 'string' } },
      'application/json': { schema: {} },
      'application/x-www-form-urlencoded': {
        schema: { type: 'object', properties: { data: { type: 'string' } }, required: ['data'] },
      },
    },
  },
  responses: {
    200: {
      description: 'Published.',
      content: {
        'application/json': {
          schema: { type: 'object', properties: { status: { const: 1 } }, required: ['status'] },
          example: { status: 1 },
        },
      },
    },
    ...refused,
    413: { description: 'The body is larger than `limits.apiBodyBytes`.', ...failure },
    429: { description: 'More than `limits.publishesPerSecond`.', ...failure },
  },
};

const drawn = {
  type: 'object',
  properties: {
    code: { type: 'string', description: 'For the QR code.' },
    secret: { type: 'string', description: 'Stays with this browser; it collects the data with it.' },
    channel: { type: 'string', description: 'Tells the states; `/sub` with `from=oldest`.' },
    expires: { type: 'integer', description: 'Seconds for the next step.' },
    url: {
      type: 'string',
      description: '`rendezvous.scanUrl` with the code; absent where none is configured.',
    },
  },
  required: ['code', 'secret', 'channel', 'expires'],
};

const rendezvous = {
  operationId: 'rendezvous_draw',
  summary: 'Draws a code for a login by phone.',
  description: 'Where the config has `rendezvous`, at `rendezvous.path`.',
  tags,
  security: [],
  responses: {
    200: { description: 'Drawn.', content: { 'application/json': { schema: drawn } } },
    403: { description: 'The page is of another site that `origins` does not list.', ...failure },
    429: { description: 'Too many are open, in all or of this address.', ...failure },
  },
};

const consume = {
  operationId: 'rendezvous_consume',
  summary: 'Collects the data that the phone confirmed, once.',
  tags,
  security: [],
  requestBody: {
    required: true,
    content: {
      'application/json': {
        schema: {
          type: 'object',
          properties: { code: { type: 'string' }, secret: { type: 'string' } },
          required: ['code', 'secret'],
        },
      },
    },
  },
  responses: {
    200: {
      description: 'The data, as it was confirmed.',
      content: {
        'application/json': { schema: { type: 'object', properties: { data: {} }, required: ['data'] } },
      },
    },
    202: {
      description: 'Not confirmed yet.',
      content: {
        'application/json': {
          schema: {
            type: 'object',
            properties: {
              pending: { const: true },
              state: { enum: ['created', 'scanned'] },
              expires: { type: 'integer' },
            },
            required: ['pending', 'state', 'expires'],
          },
        },
      },
    },
    403: { description: 'Code and secret do not belong together.', ...failure },
    409: { description: 'It was collected before.', ...failure },
    410: { description: 'It has expired or was cancelled.', ...failure },
  },
};

const native = {
  operationId: 'native',
  summary: 'The native protocol on a WebSocket.',
  description:
    'Commands and events of PROTOCOL.md as JSON text frames. At `websocket.path`; on the paths of `websocket.rawPaths` (default `/message-center`) publications come as bare data.',
  tags,
  security: [],
  parameters: [token, device],
  responses: {
    101: { description: 'Switching protocols.' },
    403: { description: 'The origin of the page is not listed in `origins`.', ...failure },
  },
};

const secret = { ...header('X-Carillon-Secret', 'As the first message told it.'), required: true };
const sessionInPath = { name: 'session', in: 'path', required: true, schema: { type: 'string' } };
const unknownSession = { description: 'The session is not known, or the secret is not its own.', ...failure };

const opened = {
  type: 'object',
  properties: { session: { type: 'string' }, secret: { type: 'string' } },
  required: ['session', 'secret'],
};

const polled = {
  type: 'object',
  properties: {
    seq: { type: 'integer', description: 'What the next poll acknowledges.' },
    messages: { type: 'array', items: {}, description: 'Replies and events, as on a WebSocket.' },
  },
  required: ['seq', 'messages'],
};

const openStream = {
  operationId: 'stream',
  summary: 'Opens a session of the native protocol, for clients that no WebSocket reaches.',
  description:
    'Server-Sent Events, lines of JSON, or long polls; the first message is `{"session","secret"}`. Commands are sent to `/stream/{session}`.',
  tags,
  security: [],
  parameters: [
    query('transport', 'In place of what the header `Accept` says.', { enum: ['sse', 'ndjson', 'longpoll'] }),
    token,
    device,
  ],
  responses: {
    200: {
      description: 'The session is open; on a stream its messages follow.',
      content: {
        'text/event-stream': { schema: { type: 'string' } },
        'application/x-ndjson': { schema: {} },
        'application/json': { schema: opened },
      },
    },
    401: refused[401],
    403: refused[403],
    503: refused[503],
  },
};

const deliver = {
  operationId: 'stream_send',
  summary: 'Sends commands of a session.',
  tags,
  security: [],
  parameters: [sessionInPath, secret],
  requestBody: {
    required: true,
    description: 'One frame, a command or an array of them; as lines of JSON, several frames.',
    content: { 'application/json': { schema: {} }, 'application/x-ndjson': { schema: {} } },
  },
  responses: {
    204: { description: 'Taken; the replies come with the messages.' },
    400: { description: 'It is no JSON; the session ends.', ...failure },
    404: unknownSession,
    413: { description: 'A frame or the body is too large.', ...failure },
    429: { description: 'The session is too far behind.', ...failure },
  },
};

const poll = {
  operationId: 'stream_poll',
  summary: 'Asks for the messages of a session that polls.',
  tags,
  security: [],
  parameters: [
    sessionInPath,
    secret,
    { ...query('ack', 'The `seq` of the last answer, 0 at first.', { type: 'integer' }), required: true },
    query('timeout', 'How long it waits; at most 60 s.', { type: 'string', default: '27s' }),
  ],
  responses: {
    200: {
      description: 'Messages, or the end of the time.',
      content: { 'application/json': { schema: polled } },
    },
    400: { description: 'Another `ack` than that of the last answers.', ...failure },
    404: unknownSession,
  },
};

const end = {
  operationId: 'stream_end',
  summary: 'Ends a session at once.',
  tags,
  security: [],
  parameters: [sessionInPath, secret],
  responses: { 204: { description: 'Ended.' }, 404: unknownSession },
};

/** A path that may be moved by the config stands where it is by default. */
export const clientPaths: Readonly<Record<string, object>> = {
  '/ws': { get: native },
  '/sub': { get: sub },
  '/pub': { post: pub },
  '/stream': { get: openStream },
  '/stream/{session}': { post: deliver, get: poll, delete: end },
  '/rendezvous': { post: rendezvous },
  '/rendezvous/consume': { post: consume },
};
