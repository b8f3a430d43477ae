/** Three ways to hear what happens in a channel, all from its beginning: the SDK, the browser's EventSource, long-polling. */
import { Carillon } from '@carillon/client';

export const transports = ['websocket', 'sse', 'longpoll'] as const;
export type TransportName = (typeof transports)[number];

/** What a way to listen tells. */
export interface ListeningEvents {
  /** A publication, each once and in order. */
  heard(data: unknown): void;
  /** Whether news come through at the moment. */
  connected(isConnected: boolean): void;
}

/** The events of a rendezvous are few: this is more than all of them. */
const everything = 8;

/** Listens until the returned function is called. Comes back by itself after every cut, and misses nothing meanwhile. */
export function listen(transport: TransportName, channel: string, events: ListeningEvents): () => void {
  events.connected(false);
  if (transport === 'sse') return listenBySse(channel, events);
  return transport === 'longpoll' ? listenByPolling(channel, events) : listenBySdk(channel, events);
}

function listenBySdk(name: string, { heard, connected }: ListeningEvents): () => void {
  const carillon = new Carillon();
  carillon.on('state', ({ state }) => connected(state === 'connected'));
  const channel = carillon.channel(name);
  channel.on('message', heard);
  // A refusal ends the subscription; the page then learns what it needs when the time is over.
  channel.subscribe({ last: everything }).catch(() => connected(false));
  return () => carillon.close();
}

function listenBySse(channel: string, { heard, connected }: ListeningEvents): () => void {
  const source = new EventSource(addressOf(channel));
  source.addEventListener('open', () => connected(true));
  source.addEventListener('error', () => connected(false));
  source.addEventListener('message', ({ data }: MessageEvent<string>) => heard(JSON.parse(data)));
  return () => source.close();
}

/** Between two tries that fail. */
const pauseMs = 1_000;

function listenByPolling(channel: string, { heard, connected }: ListeningEvents): () => void {
  const stop = new AbortController();
  const poll = async (): Promise<void> => {
    let cursor = '';
    while (!stop.signal.aborted) {
      try {
        const place = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
        const response = await fetch(`${addressOf(channel)}${place}`, {
          signal: stop.signal,
          cache: 'no-store',
        });
        if (!response.ok) throw new Error(response.statusText);
        const answer = (await response.json()) as PollAnswer;
        connected(true);
        cursor = answer.cursor;
        for (const { data } of answer.messages) heard(data);
      } catch {
        if (stop.signal.aborted) return;
        connected(false);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  };
  void poll();
  // The first poll is answered at once: what is kept is never nothing.
  return () => stop.abort();
}

interface PollAnswer {
  readonly messages: readonly { readonly data: unknown }[];
  readonly cursor: string;
}

function addressOf(channel: string): string {
  return `/sub?channel=${encodeURIComponent(channel)}&from=oldest`;
}
