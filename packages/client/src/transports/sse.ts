/** The native protocol as one endless answer (Server-Sent Events), and POSTs on the way back. */
import type { Transport, TransportCallbacks, TransportConnection } from '../transport.ts';
import { HttpConnection } from './http.ts';

export class SseTransport implements Transport {
  readonly name = 'sse';

  open(url: string, callbacks: TransportCallbacks): TransportConnection {
    return new HttpConnection(url, callbacks, read);
  }
}

async function read(connection: HttpConnection): Promise<void> {
  const headers = { Accept: 'text/event-stream' };
  const { body } = await connection.request({ transport: 'sse' }, { headers });
  const reader = body?.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  while (reader !== undefined && connection.live) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      // The other lines are heartbeats and the ends of events.
      if (!line.startsWith('data:')) continue;
      const message = line.slice(5).trim();
      if (connection.isOpen) connection.received(message);
      else connection.opened(JSON.parse(message));
    }
  }
}
