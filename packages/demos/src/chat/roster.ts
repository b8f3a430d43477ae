/** Who is in a room, by what the pages there say of themselves in its side channel `here:<room>`. */
import type { Person } from './person.ts';

/** How often a page says that it is here, and how long that is believed. */
export const beatMs = 20_000;
export const believedMs = 50_000;

/** What a page publishes into `here:<room>`: on entry, every {@link beatMs}, and when it leaves. */
export interface HereMessage {
  readonly type: 'here' | 'gone';
  readonly id: string;
  readonly name: string;
  /** By the sender's clock, milliseconds since 1970. Only a replayed message is judged by it. */
  readonly at: number;
}

interface Seen {
  readonly name: string;
  readonly until: number;
}

export class Roster {
  readonly #seen = new Map<string, Seen>();

  /**
   * Takes one publication of the side channel; what is no {@link HereMessage} is passed over. A live one is as fresh
   * as its arrival, so that clocks need not agree; a replayed one as old as its sender says.
   */
  hear(data: unknown, now: number, live: boolean): void {
    if (!isHereMessage(data)) return;
    if (data.type === 'gone') {
      this.#seen.delete(data.id);
      return;
    }
    const since = live ? now : Math.min(now, data.at);
    this.#seen.set(data.id, { name: data.name, until: since + believedMs });
  }

  /** Those who are believed to be here, the reader first, the others by name. */
  people(now: number, me: Person): readonly Person[] {
    const others: Person[] = [];
    for (const [id, { name, until }] of this.#seen) {
      if (until <= now) this.#seen.delete(id);
      else if (id !== me.id) others.push({ id, name });
    }
    others.sort((a, b) => a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1));
    return [me, ...others];
  }
}

function isHereMessage(data: unknown): data is HereMessage {
  if (typeof data !== 'object' || data === null) return false;
  const { type, id, name, at }: Partial<Record<keyof HereMessage, unknown>> = data;
  if (type !== 'here' && type !== 'gone') return false;
  return typeof id === 'string' && typeof name === 'string' && typeof at === 'number';
}
