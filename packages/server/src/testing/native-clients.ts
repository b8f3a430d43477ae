/** Clients of the native protocol: over WebSockets, over endless answers with POSTs on the way back, and by polls. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import { ask, dial, FeedClient, type FeedQuery, pathOf } from './feed-client.ts';

interface Position {
  readonly epoch: string;
  readonly offset: number;
}

interface SubscribeResult extends Position {
  readonly recovered: boolean;
  readonly recoverable: boolean;
}

type Value = Readonly<Record<string, unknown>>;

/** Its cursor is the JSON of its positions by channel, as REC6 says that a client keeps them. */
abstract class NativeClient extends FeedClient {
  readonly #positions = new Map<string, Position>();
  readonly #since = new Map<string, Position>();
  #replies = 0;

  /** Opens the session; every message goes to {@link NativeClient.message} from then on. */
  protected abstract connect(port: number, query: FeedQuery): Promise<void>;

  async open(port: number, { cursor = '{}', more, ...query }: FeedQuery): Promise<void> {
    const since = JSON.parse(cursor) as Readonly<Record<string, Position>>;
    for (const [channel, position] of Object.entries(since)) this.#since.set(channel, position);
    await this.connect(port, query);
    const last = more === 'from=oldest' ? 1_000 : Number(more?.replace('last=', ''));
    for (const channel of query.channels) {
      const place = since[channel] ? { since: since[channel] } : more !== undefined && { last };
      await this.say(JSON.stringify({ op: 'subscribe', channel, id: channel, ...place }));
    }
    await this.until(() => this.#replies >= query.channels.length);
  }

  protected message(value: Value): void {
    const { id, event, type, offset, epoch, to } = value;
    if (id !== undefined) this.#reply(String(id), value['result'] as SubscribeResult | undefined);
    else if (event === '$server' && type === 'close') this.end(Number(value['code']));
    else if (typeof event === 'string') {
      const known = this.#positions.get(event);
      const place = { epoch: String(epoch ?? known?.epoch), offset: Number(to ?? offset) };
      if (known !== undefined) this.#at(event, place);
      this.take({ ...value, channel: event });
    }
  }

  #reply(channel: string, result: SubscribeResult | undefined): void {
    this.#replies += 1;
    const since = this.#since.get(channel);
    if (result?.recoverable === true) this.#at(channel, since ?? result);
    if (result !== undefined && since !== undefined) {
      this.recovered = result.recovered && this.recovered !== false;
      if (!result.recovered) this.#at(channel, { epoch: result.epoch, offset: 0 });
      if (!result.recovered) this.gaps.push('recovered: false');
    }
    this.changed();
  }

  #at(channel: string, { epoch, offset }: Position): void {
    this.#positions.set(channel, { epoch, offset });
    this.cursor = JSON.stringify(Object.fromEntries(this.#positions));
  }
}

class NativeSocketClient extends NativeClient {
  readonly #path: string;
  #socket: WebSocket | undefined;

  constructor(path: string) {
    super();
    this.#path = path;
  }

  protected async connect(port: number, query: FeedQuery): Promise<void> {
    await dial(`ws://127.0.0.1:${port}${pathOf(this.#path, query)}`, (socket) => {
      this.#socket = socket;
      socket.on('message', (data: Buffer, isBinary: boolean) => this.frame(data, isBinary));
      socket.on('ping', () => {
        this.heartbeats += 1;
        this.changed();
      });
      socket.on('close', (code: number) => this.end(code));
      socket.on('error', () => undefined);
    });
  }

  protected frame(bytes: Buffer, _isBinary: boolean): void {
    this.message(JSON.parse(bytes.toString()) as Value);
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
}

/** On a message-center path publications are their data alone. */
class RawSocketClient extends NativeSocketClient {
  protected override frame(bytes: Buffer, isBinary: boolean): void {
    if (isBinary) {
      this.take({ data: bytes.toString('base64'), binary: true });
      return;
    }
    const value = JSON.parse(bytes.toString()) as Value;
    if ('id' in value || value['type'] === 'gap') this.message(value);
    else this.take({ data: value });
  }
}

/** What both ways over HTTP share: the session's address, and how commands get to it. */
abstract class NativeHttpClient extends NativeClient {
  protected port = 0;
  protected request: ClientRequest | undefined;
  #path = '';
  #headers: Readonly<Record<string, string>> = {};

  protected opened({ session, secret }: Value): void {
    this.#path = `/stream/${session}`;
    this.#headers = { 'X-Carillon-Secret': String(secret) };
    this.changed();
  }

  protected get isOpen(): boolean {
    return this.#path !== '';
  }

  protected askSession(query: string): Promise<IncomingMessage> {
    const made = (request: ClientRequest): void => {
      this.request = request;
    };
    return ask(this.port, `${this.#path}${query}`, made, { headers: this.#headers });
  }

  cut(): void {
    this.request?.destroy();
  }

  override async say(text: string): Promise<number> {
    const asked = { method: 'POST', headers: this.#headers, body: text };
    try {
      const response = await ask(this.port, this.#path, undefined, asked);
      response.resume();
      return response.statusCode ?? 0;
    } catch (error) {
      return Number((error as Error).message);
    }
  }
}

class NativeStreamClient extends NativeHttpClient {
  readonly #format: 'sse' | 'ndjson';
  #response: IncomingMessage | undefined;
  #rest = '';

  constructor(format: 'sse' | 'ndjson') {
    super();
    this.#format = format;
  }

  protected async connect(port: number, query: FeedQuery): Promise<void> {
    this.port = port;
    const target = `${pathOf('/stream', query)}&transport=${this.#format}`;
    const response = await ask(port, target, (request) => {
      this.request = request;
    });
    this.#response = response;
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#line(line);
      this.changed();
    });
    response.on('end', () => this.end('end'));
    response.on('error', () => this.end('cut'));
    await this.until(() => this.isOpen);
  }

  #line(line: string): void {
    const heartbeat = this.#format === 'sse' ? ':' : '';
    if (line === heartbeat) this.heartbeats += 1;
    else if (line !== '') this.#value(JSON.parse(line.replace(/^data: /, '')) as Value);
  }

  #value(value: Value): void {
    if (this.isOpen) this.message(value);
    else this.opened(value);
  }

  pause(): void {
    this.#response?.pause();
  }

  resume(): void {
    this.#response?.resume();
  }
}

/** Asks again as soon as it is answered; an answer without messages is its sign of life. */
class NativePollClient extends NativeHttpClient {
  #isCut = false;
  #paused: Promise<void> | undefined;
  #goOn = (): void => undefined;

  protected async connect(port: number, query: FeedQuery): Promise<void> {
    this.port = port;
    this.opened(await jsonOf(await ask(port, `${pathOf('/stream', query)}&transport=longpoll`)));
    void this.#loop();
  }

  override cut(): void {
    this.#isCut = true;
    super.cut();
  }

  pause(): void {
    this.#paused = new Promise((resolve) => {
      this.#goOn = resolve;
    });
  }

  resume(): void {
    this.#goOn();
    this.#paused = undefined;
  }

  async #loop(): Promise<void> {
    let ack = 0;
    try {
      while (!this.#isCut && this.ended === undefined) {
        const answer = await jsonOf(await this.askSession(`?ack=${ack}`));
        await this.#paused;
        if (this.#isCut) return;
        const { seq, messages } = answer as { readonly seq: number; readonly messages: readonly Value[] };
        ack = seq;
        if (messages.length === 0) this.heartbeats += 1;
        for (const message of messages) this.message(message);
        this.changed();
      }
    } catch (error) {
      this.end((error as Error).message === '404' ? 'end' : 'cut');
    }
  }
}

async function jsonOf(response: IncomingMessage): Promise<Value> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as Value;
}

export type NativeClientName =
  | 'websocket/native'
  | 'websocket/raw'
  | 'stream/sse'
  | 'stream/ndjson'
  | 'stream/longpoll';

/** A new client of each transport of the native protocol, by name. */
export const nativeClients: Readonly<Record<NativeClientName, () => FeedClient>> = {
  'websocket/native': () => new NativeSocketClient('/ws'),
  'websocket/raw': () => new RawSocketClient('/message-center'),
  'stream/sse': () => new NativeStreamClient('sse'),
  'stream/ndjson': () => new NativeStreamClient('ndjson'),
  'stream/longpoll': () => new NativePollClient(),
};
