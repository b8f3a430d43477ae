/** A stretch of network between a browser and a server that can be cut and mended: offline mode leaves open WebSockets alone. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export class CuttableLine {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #target: number;
  #whole = true;

  /** Listens on a free loopback port and passes everything on to the port `target`. */
  static async start(target: number): Promise<CuttableLine> {
    const line = new CuttableLine(target);
    await new Promise<void>((resolve) => line.#server.listen(0, '127.0.0.1', resolve));
    return line;
  }

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Without a slash at the end. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the line does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  /** Ends every connection, and each new one at once, until {@link mend}. */
  cut(): void {
    this.#whole = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Lets new connections through again; those that were cut stay cut. */
  mend(): void {
    this.#whole = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    if (!this.#whole) return void socket.destroy();
    const ends = [socket, connect(this.#target, '127.0.0.1')] as const;
    for (const end of ends) {
      this.#sockets.add(end);
      end.on('error', () => end.destroy());
      end.on('close', () => {
        this.#sockets.delete(end);
        for (const other of ends) other.destroy();
      });
    }
    ends[0].pipe(ends[1]).pipe(ends[0]);
  }
}
