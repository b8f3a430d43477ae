/** What this page said and the room has not shown yet: on its way, or failed with a chance to try again. */
import { create } from '../shared/dom.ts';
import { icon } from '../shared/icons.ts';
import type { Language } from '../shared/language.ts';
import type { ChatMessage } from '../shared/line.ts';
import { messageItem } from './message-view.ts';
import type { ChatPhrase } from './phrases.ts';

/** A message with the marks by which its return is known. */
export type OwnMessage = ChatMessage & Required<Pick<ChatMessage, 'from' | 'id' | 'at'>>;

/** Publishes one message; rejects with an error whose message is fit to be shown. */
export type Publish = (message: OwnMessage) => Promise<void>;

export class Outbox {
  readonly #list: HTMLOListElement;
  readonly #language: Language<ChatPhrase>;
  readonly #items = new Map<string, HTMLLIElement>();

  constructor(list: HTMLOListElement, language: Language<ChatPhrase>) {
    this.#list = list;
    this.#language = language;
  }

  /** Shows the message as being sent and sends it. */
  async send(message: OwnMessage, publish: Publish): Promise<void> {
    const item = messageItem({ kind: 'chat', ...message }, { own: true, follows: false }, this.#language);
    const note = create('div', 'note');
    item.append(note);
    this.#items.set(message.id, item);
    this.#list.append(item);
    await this.#attempt(message, publish, item, note);
  }

  /** The room shows the message, or the writer gave it up: it leaves the outbox. False where it was not in it. */
  settled(id: string): boolean {
    const item = this.#items.get(id);
    item?.remove();
    return this.#items.delete(id);
  }

  clear(): void {
    this.#items.clear();
    this.#list.replaceChildren();
  }

  async #attempt(
    message: OwnMessage,
    publish: Publish,
    item: HTMLLIElement,
    note: HTMLElement,
  ): Promise<void> {
    const sending = create('span');
    this.#language.say(sending, 'sending');
    note.replaceChildren(icon('clock'), sending);
    item.classList.add('sending');
    item.classList.remove('failed');
    try {
      await publish(message);
      // The room has it. Usually it came back already; after a cut it comes with the recovery.
      item.classList.remove('sending');
      note.replaceChildren();
    } catch (error) {
      item.classList.replace('sending', 'failed');
      const again = (): void => void this.#attempt(message, publish, item, note);
      this.#offer(note, message, error instanceof Error ? error.message : String(error), again);
    }
  }

  #offer(note: HTMLElement, message: OwnMessage, reason: string, again: () => void): void {
    const text = create('span');
    this.#language.say(text, 'notSent', { reason });
    const retry = this.#button('retry', again);
    const discard = this.#button('discard', () => this.settled(message.id));
    note.replaceChildren(text, retry, discard);
  }

  #button(key: ChatPhrase, pressed: () => void): HTMLButtonElement {
    const button = create('button', 'link');
    button.type = 'button';
    this.#language.say(button, key);
    button.addEventListener('click', pressed);
    return button;
  }
}
