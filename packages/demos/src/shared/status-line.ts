/** Says in one line how the connection is: through which transport, or when the next try comes. */
import type { Carillon, ConnectionChange, TransportName } from '@carillon/client';
import type { CommonPhrase } from './common-phrases.ts';
import type { Language } from './language.ts';

/** As people call them; the same in every language. */
const transportNames: Readonly<Record<TransportName, string>> = {
  websocket: 'WebSocket',
  sse: 'Server-Sent Events',
  longpoll: 'long-polling',
};

export class StatusLine<K extends string> {
  readonly #dot: HTMLElement;
  readonly #text: HTMLElement;
  readonly #language: Language<K | CommonPhrase>;
  #countdown: ReturnType<typeof setInterval> | undefined;

  constructor(dot: HTMLElement, text: HTMLElement, language: Language<K | CommonPhrase>) {
    this.#dot = dot;
    this.#text = text;
    this.#language = language;
  }

  follow(carillon: Carillon): void {
    this.#show('connecting', 'connecting');
    carillon.on('state', (change) => this.#changed(change));
  }

  #changed({ state, reason, retryInMs, transport = 'websocket' }: ConnectionChange): void {
    clearInterval(this.#countdown);
    this.#text.setAttribute('aria-live', 'polite');
    this.#text.title = reason.message;
    if (state === 'connected') this.#show(state, 'connected', { transport: transportNames[transport] });
    else if (state === 'disconnected') this.#show(state, 'ended', { reason: reason.message });
    else if (retryInMs === undefined || retryInMs < 1_000) this.#show(state, 'connecting');
    else this.#count(Date.now() + retryInMs);
  }

  #count(until: number): void {
    const show = (): void => {
      const seconds = Math.ceil((until - Date.now()) / 1_000);
      if (seconds > 0) this.#show('connecting', 'connectingIn', { count: seconds });
      else this.#show('connecting', 'connecting');
    };
    show();
    this.#countdown = setInterval(() => {
      // Screen readers say the first second only.
      this.#text.setAttribute('aria-live', 'off');
      show();
    }, 1_000);
  }

  #show(
    state: ConnectionChange['state'],
    key: CommonPhrase,
    parameters?: Readonly<Record<string, string | number>>,
  ): void {
    this.#dot.setAttribute('data-state', state);
    this.#language.say(this.#text, key, parameters);
  }
}
