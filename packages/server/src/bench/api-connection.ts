/** One keep-alive HTTP connection that publishes, with one request on the way: a raw socket and the least parser that is right. */
import { connect, type Socket } from 'node:net';
import { readBuffer } from './link.ts';
import { BenchError, type Target } from './target.ts';

export class ApiConnection {
  /** Called for every answer that is complete. */
  answered: () => void = () => undefined;
  /** The first answer that is no success, or why the connection ended. */
  failure: string | undefined;
  readonly #head: string;
  #socket: Socket | undefined;
  #partial = '';

  private constructor(target: Target) {
    const key = target.key === undefined ? '' : `Authorization: Bearer ${target.key}\r\n`;
    this.#head =
      `POST /v1/publish HTTP/1.1\r\nHost: ${target.host}:${target.port}\r\n${key}` +
      `Content-Type: application/json\r\nContent-Length: `;
  }

  static open(target: Target): Promise<ApiConnection> {
    const connection = new ApiConnection(target);
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: target.host,
        port: target.port,
        noDelay: true,
        onread: {
          buffer: readBuffer,
          callback: (length) => {
            connection.#received(readBuffer.toString('latin1', 0, length));
            return true;
          },
        },
      });
      connection.#socket = socket;
      socket.on('connect', () => resolve(connection));
      socket.on('error', (error) => {
        connection.failure ??= error.message;
        reject(new BenchError(`No API connection to ${target.host}:${target.port}: ${error.message}.`, 69));
      });
      socket.on('close', () => {
        connection.failure ??= 'the server closed the API connection';
      });
    });
  }

  /** Sends one publication; `data` is ASCII JSON text. */
  publish(channel: string, data: string): void {
    const body = `{"channel":${JSON.stringify(channel)},"data":${data}}`;
    this.#socket?.write(`${this.#head}${body.length}\r\n\r\n${body}`, 'latin1');
  }

  close(): void {
    this.answered = () => undefined;
    this.#socket?.destroy();
  }

  #received(text: string): void {
    const answer = this.#partial + text;
    if (!complete(answer)) {
      this.#partial = answer;
      return;
    }
    this.#partial = '';
    if (!answer.startsWith('HTTP/1.1 200')) this.failure ??= answer.replace(/\r\n[\s\S]*\r\n\r\n/, ' ');
    this.answered();
  }
}

/** One request is on the way, so an answer ends where its body does. */
function complete(answer: string): boolean {
  const head = answer.indexOf('\r\n\r\n');
  if (head < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(answer)?.[1];
  return length === undefined ? answer.endsWith('0\r\n\r\n') : answer.length >= head + 4 + Number(length);
}
