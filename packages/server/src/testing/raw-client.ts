/** A WebSocket client that sends the bytes it is told to, right or wrong, and reads strictly. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { clientFrame, type ServerFrame, serverFrames } from './client-frames.ts';

const key = 'dGhlIHNhbXBsZSBub25jZQ==';

/** The bytes of an upgrade request. `headers` replace, or with `undefined` take away, those that a good client sends. */
export function upgradeRequest(
  path: string,
  headers: Readonly<Record<string, string | undefined>> = {},
): string {
  const fields = {
    Host: '127.0.0.1',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': key,
    ...headers,
  };
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  return `GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

/** Connects and keeps everything that comes. */
export class RawClient {
  readonly socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #ended = false;
  #changed: (() => void)[] = [];

  /** The connection stays half-open when the server ends its side, until `socket.end()`. */
  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#change();
    });
    this.socket.on('error', () => {});
    for (const event of ['end', 'close']) {
      this.socket.on(event, () => {
        this.#ended = true;
        this.#change();
      });
    }
  }

  /** Opens a WebSocket on `path`. */
  static async open(port: number, path = '/ws'): Promise<RawClient> {
    const client = new RawClient(port);
    client.socket.write(upgradeRequest(path));
    const { status } = await client.response();
    if (status !== 101) throw new Error(`the server answered ${status}`);
    return client;
  }

  send(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** Sends every chunk as a packet of its own, as far as the kernel lets it. */
  async sendChunks(bytes: Buffer, size: number): Promise<void> {
    for (let at = 0; at < bytes.length && this.socket.writable; at += size) {
      this.socket.write(bytes.subarray(at, at + size));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The head of the HTTP answer, and its body as far as it came along. */
  async response(): Promise<{
    readonly status: number;
    readonly head: string;
    readonly body: () => Promise<string>;
  }> {
    await this.#until(() => this.#ended || this.#bytes.includes('\r\n\r\n'));
    const end = this.#bytes.indexOf('\r\n\r\n');
    const head = this.#bytes.subarray(0, end).toString();
    this.#bytes = this.#bytes.subarray(end + 4);
    const body = async (): Promise<string> => {
      await this.#until(() => this.#ended);
      return this.#bytes.toString();
    };
    return { status: Number(head.split(' ')[1]), head, body };
  }

  /** The next `count` frames. Throws when the server ends before. */
  async frames(count: number): Promise<readonly ServerFrame[]> {
    await this.#until(() => this.#ended || serverFrames(this.#bytes).frames.length >= count);
    const frames = serverFrames(this.#bytes).frames.slice(0, count);
    if (frames.length < count) throw new Error(`the server ended after ${frames.length} of ${count} frames`);
    let bytes = 0;
    for (const { payload } of frames)
      bytes += payload.length + (payload.length < 126 ? 2 : payload.length < 65_536 ? 4 : 10);
    this.#bytes = this.#bytes.subarray(bytes);
    return frames;
  }

  /** Everything up to the server's end of the connection. */
  async rest(): Promise<readonly ServerFrame[]> {
    await this.#until(() => this.#ended);
    return serverFrames(this.#bytes).frames;
  }

  /** Whether the server has ended its side. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Ends it like a good client, from our side. */
  async close(): Promise<void> {
    if (this.socket.closed) return;
    this.send(clientFrame(8));
    this.socket.end();
    await once(this.socket, 'close');
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  #change(): void {
    for (const changed of this.#changed.splice(0)) changed();
  }
}
