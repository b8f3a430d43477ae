/** A TCP proxy that cuts: what a bad network does to a connection. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Bytes towards the client until the next cut; Infinity: none. */
  #untilCut = Number.POSITIVE_INFINITY;
  /** Connections that were cut. */
  cuts = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Listens on a loopback port, by default a free one, and passes everything on to the port `target`. */
  static async start(target: number, port = 0): Promise<TcpProxy> {
    const server = createServer();
    const proxy = new TcpProxy(server);
    server.on('connection', (near) => proxy.#join(near, connect(target, '127.0.0.1')));
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts the connection once so many more bytes went to the client, in the midst of a frame if that is where it is. */
  cutAfter(bytes: number): void {
    this.#untilCut = bytes;
  }

  /** Cuts everything now. */
  cut(): void {
    this.#untilCut = Number.POSITIVE_INFINITY;
    if (this.#sockets.size > 0) this.cuts += 1;
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#sockets.clear();
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  #join(near: Socket, far: Socket): void {
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (bytes) => far.write(bytes));
    far.on('data', (bytes) => this.#pass(bytes, near));
  }

  #pass(bytes: Buffer, near: Socket): void {
    if (bytes.length <= this.#untilCut) {
      this.#untilCut -= bytes.length;
      near.write(bytes);
      return;
    }
    near.write(bytes.subarray(0, this.#untilCut), () => this.cut());
    this.#untilCut = Number.POSITIVE_INFINITY;
  }
}
