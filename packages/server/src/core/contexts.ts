/** What the server side keeps with each session: one JSON object, as it was written. */
import { compactSlice, type JsonText, limits, memberSlice, utf8Length } from '@carillon/protocol';
import type { Addressee } from './addressee.ts';
import { refuse } from './errors.ts';

export class Contexts {
  readonly #texts = new Map<Addressee, JsonText>();

  /** `{}` while nothing was set. */
  get(session: Addressee): JsonText {
    return this.#texts.get(session) ?? '{}';
  }

  /** `object`: JSON text of an object. @throws {ReplyError} 106 it is too long, or has too many members. */
  set(session: Addressee, object: JsonText): void {
    check(object);
    if (object === '{}') this.#texts.delete(session);
    else this.#texts.set(session, object);
  }

  /** Members of `changes` take the place of those that are there; `null` takes one away. @throws {ReplyError} 106, as `set`. */
  update(session: Addressee, changes: JsonText): void {
    check(changes);
    const members = membersOf(this.get(session));
    for (const [name, value] of membersOf(changes)) {
      if (value === 'null') members.delete(name);
      else members.set(name, value);
    }
    this.set(session, `{${[...members].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join()}}`);
  }

  gone(session: Addressee): void {
    this.#texts.delete(session);
  }
}

function check(object: JsonText): void {
  if (utf8Length(object) > limits.contextBytes) {
    throw refuse('limitExceeded', `'context' must not be longer than ${limits.contextBytes} bytes`);
  }
  if (namesOf(object).length > limits.contextMembers) {
    throw refuse('limitExceeded', `'context' must not have more than ${limits.contextMembers} members`);
  }
}

function membersOf(object: JsonText): Map<string, JsonText> {
  const members = new Map<string, JsonText>();
  for (const name of namesOf(object)) {
    const slice = memberSlice(object, name);
    if (slice !== undefined) members.set(name, compactSlice(object, slice));
  }
  return members;
}

function namesOf(object: JsonText): string[] {
  return Object.keys(JSON.parse(object) as object);
}
