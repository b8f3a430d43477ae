/** One WebSocket of the load generator: a raw socket, a handshake by hand, one read buffer shared by all. */
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { textFrame } from './frames.ts';
import { BenchError, type Target } from './target.ts';

/** Gets what arrives after the handshake. `bytes` is shared by all links and valid only during the call. */
export interface Receiver {
  received(bytes: Buffer, start: number, end: number): void;
  closed(reason: string): void;
}

/** Large enough that one read takes what a server joined into one write. */
export const readBuffer = Buffer.allocUnsafeSlow(512 * 1024);

const key = Buffer.from('carillon-bench-1').toString('base64');
const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
const headEnd = '\r\n\r\n';
const handshakeTimeoutMs = 30_000;

export class Link {
  #receiver: Receiver | undefined;
  #socket: Socket | undefined;
  #head = '';

  /** Opens a WebSocket, with the receiver in place before the first byte of a frame; rejects with BenchError 69. */
  static open(
    target: Target,
    localAddress: string | undefined,
    receiver: (link: Link) => Receiver,
  ): Promise<Link> {
    const link = new Link();
    return new Promise((resolve, reject) => {
      const refuse = (reason: string) => {
        reject(
          new BenchError(
            `A WebSocket to ${target.host}:${target.port}${target.path} was not opened: ${reason}.`,
            69,
          ),
        );
        link.destroy();
      };
      const opened = () => {
        socket.setTimeout(0);
        link.#receiver = receiver(link);
        resolve(link);
      };
      const socket = connect({
        host: target.host,
        port: target.port,
        noDelay: true,
        ...(localAddress === undefined ? {} : { localAddress }),
        onread: {
          buffer: readBuffer,
          callback: (length) => {
            if (link.#receiver !== undefined) link.#receiver.received(readBuffer, 0, length);
            else link.#handshake(length, opened, refuse);
            return true;
          },
        },
      });
      link.#socket = socket;
      socket.setTimeout(handshakeTimeoutMs, () => refuse('no answer within 30 s'));
      socket.on('connect', () => socket.write(upgradeRequest(target)));
      socket.on('error', (error) => {
        if (link.#receiver === undefined) refuse(error.message);
      });
      socket.on('close', () => {
        if (link.#receiver === undefined) refuse('the server closed the connection');
        else link.#receiver.closed('the server closed the connection');
      });
    });
  }

  /** Sends bytes that are framed already. */
  write(bytes: Buffer): void {
    this.#socket?.write(bytes);
  }

  send(text: string): void {
    this.write(textFrame(text));
  }

  /** Ends the connection at once; the receiver hears nothing more. A reset, so that no port waits a minute until it is free again. */
  destroy(): void {
    this.#receiver = undefined;
    this.#socket?.resetAndDestroy();
  }

  #handshake(length: number, opened: () => void, refuse: (reason: string) => void): void {
    const before = this.#head.length;
    this.#head += readBuffer.toString('latin1', 0, length);
    const end = this.#head.indexOf(headEnd);
    if (end < 0) {
      if (this.#head.length > 16_384) refuse('the answer has no end');
      return;
    }
    const head = this.#head.slice(0, end);
    this.#head = '';
    if (!head.startsWith('HTTP/1.1 101') || !head.includes(accept)) {
      refuse(`the server answered ${JSON.stringify(head.split('\r\n')[0])}`);
      return;
    }
    opened();
    const frames = end + headEnd.length - before;
    if (frames < length) this.#receiver?.received(readBuffer, frames, length);
  }
}

function upgradeRequest(target: Target): string {
  const query = target.token === undefined ? '' : `?token=${encodeURIComponent(target.token)}`;
  return (
    `GET ${target.path}${query} HTTP/1.1\r\nHost: ${target.host}:${target.port}\r\nConnection: Upgrade\r\n` +
    `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`
  );
}
