/** The native protocol by asking again and again: what every network lets through that lets pages through. */
import type { Transport, TransportCallbacks, TransportConnection } from '../transport.ts';
import { HttpConnection, HttpStatus } from './http.ts';

/** Polls in a row that may fail before the session is given up. */
const failuresMax = 3;

/** Seconds that a poll is held. */
const longestWait = 25;

interface Answer {
  readonly seq: number;
  readonly messages: readonly unknown[];
}

export class LongPollTransport implements Transport {
  readonly name = 'longpoll';

  open(url: string, callbacks: TransportCallbacks): TransportConnection {
    return new HttpConnection(url, callbacks, poll);
  }
}

async function poll(connection: HttpConnection): Promise<void> {
  connection.opened(await (await connection.request({ transport: 'longpoll' })).json());
  let ack = 0;
  let wait = longestWait;
  let failures = 0;
  while (connection.live) {
    const start = performance.now();
    try {
      const response = await connection.request({ ack: String(ack), timeout: String(wait) });
      const { seq, messages } = (await response.json()) as Answer;
      failures = 0;
      if (seq === ack) continue;
      ack = seq;
      for (const message of messages) connection.received(JSON.stringify(message));
    } catch (error) {
      failures += 1;
      // What was not acknowledged is answered again, so a lost answer costs nothing.
      if (failures >= failuresMax || isFinal(error)) throw error;
      const seconds = (performance.now() - start) / 1_000;
      // Something on the way does not wait that long.
      if (seconds > 2) wait = Math.max(1, Math.min(wait, Math.floor(seconds * 0.8)));
      else await new Promise((resolve) => setTimeout(resolve, 300 * failures));
    }
  }
}

/** The server itself said no; what stands between only says that it failed. */
function isFinal(error: unknown): boolean {
  return error instanceof HttpStatus && error.status < 500;
}
