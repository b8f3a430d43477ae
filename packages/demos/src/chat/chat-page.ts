/** One visitor at the chat page: in one room at a time, under a name, with what was said and who is there. */
import type { Carillon } from '@carillon/client';
import { avatarOf } from '../shared/avatar.ts';
import { find } from '../shared/dom.ts';
import type { Language } from '../shared/language.ts';
import type { Line } from '../shared/line.ts';
import { Composer } from './composer.ts';
import { Drawer } from './drawer.ts';
import { Notice } from './notice.ts';
import { Outbox } from './outbox.ts';
import { showPeople, showRooms } from './people-view.ts';
import { myself, type Person, randomId, renamed } from './person.ts';
import type { ChatPhrase } from './phrases.ts';
import { type Arrival, Room, type RoomListener } from './room.ts';
import { addressOfRoom, roomOfAddress, tidyRoom, visitRoom } from './rooms.ts';
import { StreamView } from './stream-view.ts';
import { UnreadTitle } from './unread.ts';

export class ChatPage implements RoomListener {
  readonly #carillon: Carillon;
  readonly #language: Language<ChatPhrase>;
  readonly #stream: StreamView;
  readonly #outbox: Outbox;
  readonly #composer: Composer;
  readonly #drawer: Drawer;
  readonly #notice: Notice;
  readonly #title = new UnreadTitle();
  #me: Person;
  #room: Room | undefined;

  constructor(carillon: Carillon, language: Language<ChatPhrase>) {
    this.#carillon = carillon;
    this.#language = language;
    this.#me = myself(language.code);
    this.#stream = streamOf(language);
    this.#outbox = new Outbox(find('#outbox', HTMLOListElement), language);
    this.#notice = new Notice(find('#notice', HTMLElement), language);
    this.#drawer = drawerOf();
    this.#composer = composerOf(language, (text) => this.#say(text));
    this.#listenToName();
    this.#listenToRooms();
  }

  get roomName(): string {
    return this.#room?.name ?? '';
  }

  /** Goes to the room that the address names, out of the one before. */
  enter(): void {
    this.leave();
    const name = roomOfAddress(location);
    find('#room', HTMLElement).textContent = name;
    showRooms(find('#rooms', HTMLElement), visitRoom(name), name);
    this.#title.entered(name);
    this.#notice.clear();
    this.#outbox.clear();
    this.#stream.clear();
    this.#drawer.close();
    this.#room = new Room(this.#carillon, name, this.#me, this);
    this.#room.enter();
    if (window.matchMedia('(hover: hover)').matches) this.#composer.focus();
  }

  /** Says goodbye to the room. */
  leave(): void {
    this.#room?.leave();
    this.#room = undefined;
  }

  arrived(line: Line, arrival: Arrival): void {
    const own = line.from === this.#me.id;
    if (own && line.id !== undefined) this.#outbox.settled(line.id);
    if (arrival === 'recovered' && !own) this.#stream.missed();
    // After a gap nobody says where what the history still had ends.
    if (arrival === 'live') this.#stream.caughtUp();
    this.#stream.add(line, own);
    if (arrival !== 'history' && !own) this.#title.arrived();
  }

  entered(): void {
    this.#stream.ready();
  }

  caughtUp(): void {
    const count = this.#stream.caughtUp();
    if (count > 0) this.#notice.show('recovered', 'good', { count });
    else this.#notice.show('nothingMissed', 'good');
  }

  gap(): void {
    this.#stream.divide('gap', 'bad');
  }

  people(people: readonly Person[]): void {
    showPeople(find('#people', HTMLElement), people, this.#language);
    find('#people-count', HTMLElement).textContent = String(people.length);
    find('#menu-count', HTMLElement).textContent = String(people.length);
  }

  refused(reason: string): void {
    this.#stream.divide('refused', 'bad', { reason });
  }

  #say(text: string): void {
    const room = this.#room;
    if (room === undefined) return;
    const message = { name: this.#me.name, text, from: this.#me.id, id: randomId(), at: Date.now() };
    this.#stream.toEnd();
    void this.#outbox.send(message, (own) => room.publish(own));
  }

  #listenToName(): void {
    const input = find('#name', HTMLInputElement);
    const show = (): void => {
      input.value = this.#me.name;
      const avatar = avatarOf(this.#me.name);
      avatar.id = 'own-avatar';
      find('#own-avatar', HTMLElement).replaceWith(avatar);
    };
    show();
    input.addEventListener('change', () => {
      this.#me = renamed(this.#me, input.value);
      this.#room?.rename(this.#me);
      show();
    });
    input.addEventListener('keydown', (event) => {
      if (event.isComposing) return;
      if (event.key === 'Escape') input.value = this.#me.name;
      if (event.key === 'Enter') input.blur();
    });
  }

  #listenToRooms(): void {
    const input = find('#room-name', HTMLInputElement);
    find('#room-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      const name = tidyRoom(input.value);
      if (name === undefined) return;
      input.value = '';
      location.hash = addressOfRoom(name);
      this.#drawer.close();
    });
    // Choosing the room one is in already changes no address, but closes the drawer all the same.
    find('#rooms', HTMLElement).addEventListener('click', () => this.#drawer.close());
  }
}

function streamOf(language: Language<ChatPhrase>): StreamView {
  const elements = {
    frame: find('#stream', HTMLElement),
    content: find('.stream-inner', HTMLElement),
    messages: find('#messages', HTMLOListElement),
    empty: find('#empty', HTMLElement),
    newer: find('#newer', HTMLButtonElement),
    newerText: find('#newer-text', HTMLElement),
  };
  return new StreamView(elements, language);
}

function drawerOf(): Drawer {
  return new Drawer({
    side: find('#side', HTMLElement),
    open: find('#menu', HTMLButtonElement),
    close: find('#close', HTMLButtonElement),
    backdrop: find('#backdrop', HTMLElement),
  });
}

function composerOf(language: Language<ChatPhrase>, say: (text: string) => void): Composer {
  const elements = {
    form: find('#composer', HTMLFormElement),
    text: find('#text', HTMLTextAreaElement),
    send: find('#send', HTMLButtonElement),
    left: find('#left', HTMLElement),
  };
  return new Composer(elements, language, say);
}
