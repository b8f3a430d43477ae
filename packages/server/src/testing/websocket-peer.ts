/** Small things that tests with real WebSockets do again and again. */
import { once } from 'node:events';
import WebSocket from 'ws';
import type { ConnectionListener } from '../core/connection.ts';
import type { WebSocketHost } from './websocket-host.ts';

/** A client of `ws`, open. */
export async function openPeer(host: WebSocketHost, path = '/ws'): Promise<WebSocket> {
  const peer = new WebSocket(`${host.url}${path}`, { perMessageDeflate: false });
  await once(peer, 'open');
  return peer;
}

export async function nextMessage(peer: WebSocket): Promise<readonly [data: Buffer, isBinary: boolean]> {
  const [data, isBinary] = await once(peer, 'message');
  return [data, isBinary];
}

/** Code and reason with which the peer sees its connection end. */
export async function endOf(peer: WebSocket): Promise<string> {
  const [code, reason] = await once(peer, 'close');
  return `${code} ${reason}`;
}

/** Waits for something that real sockets bring about. */
export async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; !holds(); turn++) {
    if (turn === 20_000) throw new Error('it never came to hold');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export const silentListener: ConnectionListener = {
  received() {},
  receivedBytes() {},
  drained() {},
  closed() {},
};
