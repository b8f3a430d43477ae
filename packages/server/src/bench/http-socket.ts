/** One HTTP/1.1 connection of the load generator: a raw socket that shares its read buffer with all others. */
import { connect, type Socket } from 'node:net';
import { type Receiver, readBuffer } from './link.ts';
import { BenchError, type Target } from './target.ts';

const openTimeoutMs = 30_000;

/** What a request that follows up on an answer must say, besides its path. */
export interface RequestHead {
  readonly path: string;
  readonly accept: string;
}

export class HttpSocket {
  #receiver: Receiver | undefined;
  readonly #socket: Socket;

  private constructor(socket: Socket, receiver: Receiver) {
    this.#socket = socket;
    this.#receiver = receiver;
  }

  /** Resolves when the connection stands; rejects with BenchError 69. What arrives is the receiver's, from its first byte. */
  static open(target: Target, localAddress: string | undefined, receiver: Receiver): Promise<HttpSocket> {
    const { host, port } = target;
    return new Promise((resolve, reject) => {
      const refuse = (reason: string) => {
        reject(new BenchError(`No HTTP connection to ${host}:${port}: ${reason}.`, 69));
        socket.destroy();
      };
      const socket = connect({
        host,
        port,
        noDelay: true,
        ...(localAddress === undefined ? {} : { localAddress }),
        onread: {
          buffer: readBuffer,
          callback: (length) => {
            opened.#receiver?.received(readBuffer, 0, length);
            return true;
          },
        },
      });
      const opened = new HttpSocket(socket, receiver);
      socket.setTimeout(openTimeoutMs, () => refuse('no answer within 30 s'));
      socket.on('connect', () => {
        socket.setTimeout(0);
        resolve(opened);
      });
      socket.on('error', (error) => refuse(error.message));
      socket.on('close', () => opened.#receiver?.closed('the server closed the connection'));
    });
  }

  write(request: string): void {
    this.#socket.write(request, 'latin1');
  }

  /** Ends the connection at once, with a reset; the receiver hears nothing more. */
  destroy(): void {
    this.#receiver = undefined;
    this.#socket.resetAndDestroy();
  }
}

/** The text of a GET request. A token goes into its head, as a client that cares for its logs would send it. */
export function getRequest(target: Target, { path, accept }: RequestHead): string {
  const token = target.token === undefined ? '' : `Authorization: Bearer ${target.token}\r\n`;
  return `GET ${path} HTTP/1.1\r\nHost: ${target.host}:${target.port}\r\nAccept: ${accept}\r\n${token}\r\n`;
}
