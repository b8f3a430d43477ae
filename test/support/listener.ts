/** A WebSocket that remembers what it got, for tests that look at a server from outside. */
import { once } from 'node:events';
import { WebSocket } from 'ws';

export class Listener implements Disposable {
  /** What came, in order: texts, and the bytes of binary frames. */
  readonly got: (string | Buffer)[] = [];
  /** Resolves with the close code; never rejects. */
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #waiting = new Set<() => void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer, isBinary) => {
      this.got.push(isBinary ? data : data.toString());
      for (const look of this.#waiting) look();
    });
    // A connection that breaks off says so by 1006.
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => socket.once('close', resolve));
  }

  /** Resolves when the connection is open. */
  static async open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Listener> {
    const socket = new WebSocket(url, { headers });
    const listener = new Listener(socket);
    await once(socket, 'open');
    return listener;
  }

  /** Opens a native connection that is subscribed to these channels. */
  static async subscribed(wsUrl: string, ...channels: readonly string[]): Promise<Listener> {
    const listener = await Listener.open(wsUrl);
    for (const channel of channels) listener.#socket.send(JSON.stringify({ op: 'subscribe', channel }));
    await listener.until(channels.length);
    if (listener.got.some((text) => text !== '{"result":true}'))
      throw new Error(`not subscribed: ${listener.got}`);
    listener.got.length = 0;
    return listener;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  /** Reads nothing more from the socket until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Resolves with all that came, as soon as it is at least `count`. */
  until(count: number): Promise<readonly (string | Buffer)[]> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (this.got.length < count) return;
        this.#waiting.delete(look);
        resolve(this.got);
      };
      this.#waiting.add(look);
      look();
      void this.closed.then((code) =>
        reject(new Error(`closed with ${code} after ${this.got.length} of ${count}`)),
      );
    });
  }

  /** The JSON texts that came, parsed. */
  get events(): unknown[] {
    return this.got.map((text) => JSON.parse(String(text)));
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}
