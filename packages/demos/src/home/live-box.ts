/** The box of the home page that shows the latest publications of one channel as they arrive. */
import type { Channel } from '@carillon/client';
import { avatarOf } from '../shared/avatar.ts';
import type { CommonPhrase } from '../shared/common-phrases.ts';
import { create } from '../shared/dom.ts';
import type { Language } from '../shared/language.ts';
import { type Line, readLine } from '../shared/line.ts';

/** So many arrivals fit into the box. */
const shown = 4;

export class LiveBox<K extends string> {
  readonly #list: HTMLOListElement;
  readonly #waiting: HTMLElement;
  readonly #language: Language<K | CommonPhrase>;

  constructor(list: HTMLOListElement, waiting: HTMLElement, language: Language<K | CommonPhrase>) {
    this.#list = list;
    this.#waiting = waiting;
    this.#language = language;
  }

  /** Shows what the channel still has of before, and everything from then on. */
  async follow(channel: Channel): Promise<void> {
    channel.on('message', (data, { recovered }) =>
      this.#add(readLine(data, recovered ? undefined : Date.now())),
    );
    await channel.subscribe({ last: shown });
  }

  #add(line: Line): void {
    this.#waiting.hidden = true;
    const who = create('b');
    if (line.name === undefined) this.#language.say(who, 'byApi');
    else who.textContent = line.name;
    const text = line.kind === 'json' ? line.text.replace(/\s+/g, ' ') : line.text;
    const what = create('span', `what ${line.kind}`, text);
    what.dir = 'auto';
    const item = create('li', 'arrival', avatarOf(line.name), who, what);
    if (line.at !== undefined) {
      const time = create('time');
      this.#language.tell(time, line.at, 'clock');
      item.append(time);
    }
    this.#list.append(item);
    while (this.#list.childElementCount > shown) this.#list.firstElementChild?.remove();
  }
}
