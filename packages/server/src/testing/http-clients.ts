/** Clients that show what a browser's would hide: single bytes, and the status of a refused upgrade. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import WebSocket from 'ws';

/** Sends bytes as they are and resolves with everything that came until the server ended the connection. */
export async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  return rest(socket, bytes);
}

/** As {@link raw}, on a socket that is open. */
export async function rest(socket: Socket, bytes: string): Promise<string> {
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString();
  });
  socket.on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  return answer;
}

/** The status that an upgrade is answered with. */
export async function upgradeStatus(
  port: number,
  path: string,
  headers: Record<string, string> = {},
): Promise<number> {
  const client = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
  client.on('error', () => {});
  return new Promise((resolve) => {
    client.on('unexpected-response', (_, res) => {
      res.resume();
      resolve(res.statusCode ?? 0);
    });
    client.on('open', () => {
      client.close();
      resolve(101);
    });
  });
}
