/** A client for every transport, all read alike: what came, where it stands, what it was told of losses. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';

export interface Received {
  /** Absent where the transport carries bare data. */
  readonly channel?: string;
  readonly data: unknown;
  readonly offset?: number;
  readonly binary?: boolean;
}

export interface FeedQuery {
  readonly channels: readonly string[];
  readonly cursor?: string;
  /** Further members of the query, such as `from=oldest`. */
  readonly more?: string;
  readonly token?: string;
}

/** One client. It reads on its own, a poller by asking again. */
export abstract class FeedClient {
  readonly received: Received[] = [];
  readonly gaps: unknown[] = [];
  /** Empty lines, comments, pings. */
  heartbeats = 0;
  cursor = '';
  /** What the answer said; a poll's first. */
  recovered: boolean | undefined;
  /** How it ended: `end` in an orderly way, `cut` otherwise, or the close code of a WebSocket. */
  ended: string | number | undefined;
  #waiting: (() => void)[] = [];

  abstract open(port: number, query: FeedQuery): Promise<void>;
  /** Goes away without a word. */
  abstract cut(): void;
  /** Stops, or goes on, reading its socket. */
  abstract pause(): void;
  abstract resume(): void;

  /** Resolves once it has so many publications. */
  has(count: number): Promise<void> {
    return this.until(() => this.received.length >= count);
  }

  async until(holds: () => boolean, ms = 15_000): Promise<void> {
    const deadline = Date.now() + ms;
    while (!holds()) {
      if (Date.now() > deadline) {
        throw new Error(`not within ${ms} ms; ${this.received.length} received, ended: ${this.ended}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** The values of a member `n` of what came, for tests that count. */
  get numbers(): readonly unknown[] {
    return this.received.map(({ data }) => (data as { readonly n: unknown } | null)?.n);
  }

  protected changed(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** An object of `/sub`. */
  protected take(object: Record<string, unknown>): void {
    const { type, cursor, channel, data, offset, binary } = object;
    if (typeof cursor === 'string') this.cursor = cursor;
    if (type === 'gap') this.gaps.push(object);
    else if (type === undefined) {
      this.received.push({
        data,
        ...(typeof channel === 'string' && { channel }),
        ...(typeof offset === 'number' && { offset }),
        ...(typeof binary === 'boolean' && { binary }),
      });
    }
    this.changed();
  }

  protected end(how: string | number): void {
    this.ended ??= how;
    this.changed();
  }
}

function path(base: string, { channels, cursor, more, token }: FeedQuery): string {
  const parts = channels.map((channel) => `channel=${encodeURIComponent(channel)}`);
  if (cursor !== undefined) parts.push(`cursor=${cursor}`);
  if (token !== undefined) parts.push(`token=${token}`);
  if (more !== undefined) parts.push(more);
  return `${base}?${parts.join('&')}`;
}

/** WebSockets of `/sub`, and of the native protocol, which subscribes when it is open. */
class SocketClient extends FeedClient {
  readonly #kind: 'bare' | 'json' | 'native' | 'raw';
  #socket: WebSocket | undefined;

  constructor(kind: 'bare' | 'json' | 'native' | 'raw') {
    super();
    this.#kind = kind;
  }

  async open(port: number, query: FeedQuery): Promise<void> {
    const isFeed = this.#kind === 'bare' || this.#kind === 'json';
    const base = isFeed ? '/sub' : this.#kind === 'raw' ? '/message-center' : '/ws';
    const more = this.#kind === 'json' ? `format=json&${query.more ?? ''}` : query.more;
    const target = path(base, { ...query, ...(more !== undefined && { more }) });
    const socket = new WebSocket(`ws://127.0.0.1:${port}${target}`);
    this.#socket = socket;
    socket.on('upgrade', ({ headers }: IncomingMessage) => this.#head(headers));
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#message(data, isBinary));
    socket.on('ping', () => {
      this.heartbeats += 1;
      this.changed();
    });
    socket.on('close', (code: number) => this.end(code));
    socket.on('error', () => undefined);
    await new Promise<void>((resolve, reject) => {
      socket.on('open', () => resolve());
      socket.on('unexpected-response', (_: unknown, res: IncomingMessage) => {
        reject(new Error(String(res.statusCode)));
      });
      socket.on('error', reject);
    });
    if (isFeed) return;
    for (const channel of query.channels)
      socket.send(JSON.stringify({ op: 'subscribe', channel, id: channel }));
    await this.until(() => this.#replies === query.channels.length);
  }

  #replies = 0;

  cut(): void {
    this.#socket?.terminate();
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  #head(headers: IncomingMessage['headers']): void {
    const { 'carillon-cursor': cursor, 'carillon-recovered': recovered } = headers;
    if (typeof cursor === 'string') this.cursor = cursor;
    if (recovered !== undefined) this.recovered = recovered === 'true';
  }

  #message(bytes: Buffer, isBinary: boolean): void {
    if (isBinary) {
      this.take({ data: bytes.toString('base64'), binary: true });
      return;
    }
    const value = JSON.parse(bytes.toString()) as Record<string, unknown>;
    if (this.#kind === 'json') this.take(value);
    else if (this.#kind === 'bare') this.take({ data: value });
    else if ('id' in value) {
      this.#replies += 1;
      this.changed();
    } else if (this.#kind === 'native' || value['type'] === 'gap') {
      this.take({ ...value, channel: value['event'] });
    } else this.take({ data: value });
  }
}

/** Answers that do not end. `read` takes whole lines. */
abstract class StreamClient extends FeedClient {
  #request: ClientRequest | undefined;
  #response: IncomingMessage | undefined;
  #rest = '';
  protected abstract readonly transport: string;
  protected abstract line(line: string): void;

  async open(port: number, query: FeedQuery): Promise<void> {
    const target = path('/sub', query);
    const response = await ask(port, `${target}&transport=${this.transport}`, (request) => {
      this.#request = request;
    });
    this.#response = response;
    const { 'carillon-cursor': cursor, 'carillon-recovered': recovered } = response.headers;
    if (typeof cursor === 'string') this.cursor = cursor;
    if (recovered !== undefined) this.recovered = recovered === 'true';
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.line(line);
      this.changed();
    });
    response.on('end', () => this.end('end'));
    response.on('error', () => this.end('cut'));
  }

  cut(): void {
    this.#request?.destroy();
  }

  pause(): void {
    this.#response?.pause();
  }

  resume(): void {
    this.#response?.resume();
  }
}

class SseClient extends StreamClient {
  protected readonly transport = 'sse';
  #id = '';
  #event = '';
  #data: string[] = [];

  protected line(line: string): void {
    const colon = line.indexOf(':');
    const value = line.slice(colon + 1).replace(/^ /, '');
    if (colon === 0) this.heartbeats += 1;
    else if (line.startsWith('id:')) this.#id = value;
    else if (line.startsWith('event:')) this.#event = value;
    else if (line.startsWith('data:')) this.#data.push(value);
    else if (line === '') this.#dispatch();
  }

  #dispatch(): void {
    const data = this.#data.join('\n');
    const event = this.#event;
    this.#data = [];
    this.#event = '';
    if (this.#id !== '') this.cursor = this.#id;
    if (data === '') return;
    const value = JSON.parse(data) as Record<string, unknown>;
    if (event === 'gap') this.take({ ...value, type: 'gap' });
    else if (event === 'message' && value['binary'] === true) this.take(value);
    else if (event === 'message') this.take({ data: value });
  }
}

class NdjsonClient extends StreamClient {
  protected readonly transport = 'ndjson';

  protected line(line: string): void {
    if (line === '') this.heartbeats += 1;
    else this.take(JSON.parse(line) as Record<string, unknown>);
  }
}

class IframeClient extends StreamClient {
  protected readonly transport = 'iframe&callback=f';

  protected line(line: string): void {
    const [, argument] = /^<script>parent\.f\((.*)\)<\/script>$/.exec(line) ?? [];
    if (argument !== undefined) this.take(evaluated(argument));
    else if (line === '<!-- -->') this.heartbeats += 1;
  }
}

/** Asks again as soon as it is answered. */
class PollClient extends FeedClient {
  readonly #kind: 'json' | 'jsonp' | 'raw';
  #request: ClientRequest | undefined;
  #response: IncomingMessage | undefined;
  #isCut = false;

  constructor(kind: 'json' | 'jsonp' | 'raw') {
    super();
    this.#kind = kind;
  }

  async open(port: number, query: FeedQuery): Promise<void> {
    // The first asks for nothing, so that the start is known.
    if (query.cursor !== undefined || query.more !== undefined) void this.#loop(port, query);
    else {
      await this.#ask(port, { ...query, more: 'timeout=0' });
      void this.#loop(port, { ...query, cursor: this.cursor });
    }
  }

  cut(): void {
    this.#isCut = true;
    this.#request?.destroy();
  }

  pause(): void {
    this.#response?.pause();
  }

  resume(): void {
    this.#response?.resume();
  }

  async #loop(port: number, first: FeedQuery): Promise<void> {
    let query = first;
    try {
      while (!this.#isCut) {
        await this.#ask(port, query);
        query = { channels: first.channels, cursor: this.cursor, ...(first.token && { token: first.token }) };
      }
    } catch {
      this.end('end');
    }
  }

  async #ask(port: number, query: FeedQuery): Promise<void> {
    const kind = this.#kind === 'jsonp' ? '&callback=a.b' : `&format=${this.#kind}`;
    const response = await ask(port, path('/sub', query) + kind, (request) => {
      this.#request = request;
    });
    this.#response = response;
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    if (this.#isCut) return;
    const text = Buffer.concat(chunks).toString();
    if ((response.statusCode ?? 0) >= 300) throw new Error(`${response.statusCode} ${text}`);
    const { 'carillon-cursor': cursor, 'carillon-recovered': recovered } = response.headers;
    if (typeof cursor === 'string') this.cursor = cursor;
    if (recovered === 'false') this.gaps.push('recovered: false');
    if (recovered !== undefined) this.recovered ??= recovered === 'true';
    if (this.#kind !== 'raw') this.#take(text);
    else if (response.statusCode === 200) {
      const value = JSON.parse(text) as Record<string, unknown>;
      this.take(value['binary'] === true ? value : { data: value });
    }
  }

  #take(text: string): void {
    const answer = this.#kind === 'jsonp' ? evaluated(text.slice('a.b('.length, -2)) : JSON.parse(text);
    const { messages, cursor } = answer as { messages: Record<string, unknown>[]; cursor: string };
    for (const message of messages) this.take(message);
    this.cursor = cursor;
  }
}

/** As a page would take it: as JavaScript. */
function evaluated(source: string): Record<string, unknown> {
  return new Function(`return ${source}`)() as Record<string, unknown>;
}

function ask(port: number, target: string, made: (request: ClientRequest) => void): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port, path: target, agent: false }, (response) => {
      const { statusCode = 0 } = response;
      if (statusCode < 400) resolve(response);
      else reject(new Error(String(statusCode)));
    });
    made(sent);
    sent.on('error', reject);
    sent.end();
  });
}

/** A new client of each transport, by name. */
export const feedClients = {
  'websocket/native': () => new SocketClient('native'),
  'websocket/raw': () => new SocketClient('raw'),
  'websocket/bare': () => new SocketClient('bare'),
  'websocket/json': () => new SocketClient('json'),
  sse: () => new SseClient(),
  ndjson: () => new NdjsonClient(),
  iframe: () => new IframeClient(),
  longpoll: () => new PollClient('json'),
  jsonp: () => new PollClient('jsonp'),
  'longpoll/raw': () => new PollClient('raw'),
} as const satisfies Record<string, () => FeedClient>;

export type FeedClientName = keyof typeof feedClients;
