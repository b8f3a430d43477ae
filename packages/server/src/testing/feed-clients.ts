/** A client for every transport, all read alike. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import { ask, dial, FeedClient, type FeedQuery, pathOf } from './feed-client.ts';
import { type NativeClientName, nativeClients } from './native-clients.ts';

/** WebSockets of `/sub`. */
class SocketClient extends FeedClient {
  readonly #kind: 'bare' | 'json';
  #socket: WebSocket | undefined;

  constructor(kind: 'bare' | 'json') {
    super();
    this.#kind = kind;
  }

  async open(port: number, query: FeedQuery): Promise<void> {
    const more = this.#kind === 'json' ? `format=json&${query.more ?? ''}` : query.more;
    const target = pathOf('/sub', { ...query, ...(more !== undefined && { more }) });
    await dial(`ws://127.0.0.1:${port}${target}`, (socket) => {
      this.#socket = socket;
      socket.on('upgrade', ({ headers }: IncomingMessage) => this.#head(headers));
      socket.on('message', (data: Buffer, isBinary: boolean) => this.#message(data, isBinary));
      socket.on('ping', () => {
        this.heartbeats += 1;
        this.changed();
      });
      socket.on('close', (code: number) => this.end(code));
      socket.on('error', () => undefined);
    });
  }

  cut(): void {
    this.#socket?.terminate();
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  override async say(text: string): Promise<undefined> {
    this.#socket?.send(text);
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
    else this.take({ data: value });
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
    const target = pathOf('/sub', query);
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
    this.cursor = query.cursor ?? '';
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
    const response = await ask(port, pathOf('/sub', query) + kind, (request) => {
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

export type FeedClientName =
  | NativeClientName
  | 'websocket/bare'
  | 'websocket/json'
  | 'sse'
  | 'ndjson'
  | 'iframe'
  | 'longpoll'
  | 'jsonp'
  | 'longpoll/raw';

/** A new client of each transport, by name. */
export const feedClients: Readonly<Record<FeedClientName, () => FeedClient>> = {
  ...nativeClients,
  'websocket/bare': () => new SocketClient('bare'),
  'websocket/json': () => new SocketClient('json'),
  sse: () => new SseClient(),
  ndjson: () => new NdjsonClient(),
  iframe: () => new IframeClient(),
  longpoll: () => new PollClient('json'),
  jsonp: () => new PollClient('jsonp'),
  'longpoll/raw': () => new PollClient('raw'),
};
