/** The lists at the side: the rooms to go to, and the people in this one. */

import { avatarOf } from '../shared/avatar.ts';
import { create } from '../shared/dom.ts';
import type { Language } from '../shared/language.ts';
import type { Person } from './person.ts';
import type { ChatPhrase } from './phrases.ts';
import { addressOfRoom } from './rooms.ts';

/** Shows the people; the first of them is the reader. */
export function showPeople(
  list: HTMLElement,
  people: readonly Person[],
  language: Language<ChatPhrase>,
): void {
  const items = people.map(({ name }, at) => {
    const who = create('span', 'who', name);
    who.dir = 'auto';
    const item = create('li', '', avatarOf(name), who);
    if (at === 0) {
      const you = create('span', 'you');
      language.say(you, 'you');
      item.append(you);
    }
    return item;
  });
  list.replaceChildren(...items);
}

/** Shows the rooms as links, the present one marked. */
export function showRooms(list: HTMLElement, rooms: readonly string[], present: string): void {
  const items = rooms.map((room) => {
    const link = create('a', '', create('span', '', room));
    link.href = addressOfRoom(room);
    if (room === present) link.setAttribute('aria-current', 'page');
    return create('li', '', link);
  });
  list.replaceChildren(...items);
}
