/** One room: its channel `room:<name>` with the messages, and `here:<name>` with who is in it. */
import type { Carillon, Channel, Message } from '@carillon/client';
import { type Line, readLine } from '../shared/line.ts';
import type { OwnMessage } from './outbox.ts';
import type { Person } from './person.ts';
import { beatMs, type HereMessage, Roster } from './roster.ts';

/** How a message came: with the history on entry, in the recovery after a cut, or just now. */
export type Arrival = 'history' | 'recovered' | 'live';

export interface RoomListener {
  /** A message, each once and in the order of the room. */
  arrived(line: Line, arrival: Arrival): void;
  /** The history is all there. */
  entered(): void;
  /** After a cut everything that was missed has arrived. */
  caughtUp(): void;
  /** Messages are gone for good. */
  gap(): void;
  /** Who is here, told at every change. */
  people(people: readonly Person[]): void;
  /** The server does not let this page in. */
  refused(reason: string): void;
}

/** So many messages are shown on entry, and so many of the side channel are read for who is here. */
const historyOnEntry = 50;
const hereOnEntry = 100;

/** How often it is looked whether somebody expired or a beat is due. */
const lookMs = 5_000;

/** The history follows the subscription at once; where it expired nothing follows, and this is waited in vain. */
const historyWaitMs = 400;

export class Room {
  readonly name: string;
  readonly #messages: Channel;
  readonly #here: Channel;
  readonly #listener: RoomListener;
  readonly #roster = new Roster();
  readonly #off: (() => void)[] = [];
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  #me: Person;
  #entered = false;
  /** The offset up to which the history on entry, or later a recovery, reaches; undefined while none is awaited. */
  #awaited: number | undefined;
  #saidHereAt = Number.NEGATIVE_INFINITY;
  #toldPeople = '';

  constructor(carillon: Carillon, name: string, me: Person, listener: RoomListener) {
    this.name = name;
    this.#me = me;
    this.#listener = listener;
    this.#messages = carillon.channel(`room:${name}`);
    this.#here = carillon.channel(`here:${name}`);
  }

  /** Subscribes and begins to say that somebody is here. What comes of it is told to the listener. */
  enter(): void {
    this.#off.push(
      this.#messages.on('message', (data, message) => this.#arrived(data, message)),
      this.#messages.on('recovered', ({ since, offset }) => this.#recovering(since.offset, offset)),
      this.#messages.on('gap', () => this.#gap()),
      this.#messages.on('state', ({ state, reason }) => {
        if (state === 'unsubscribed') this.#listener.refused(reason.message);
      }),
      this.#here.on('message', (data, { recovered }) => this.#heard(data, !recovered)),
      this.#here.on('state', ({ state }) => {
        if (state === 'subscribed') this.#sayHere();
      }),
    );
    this.#messages
      .subscribe({ last: historyOnEntry })
      .then(({ offset = 0 }) => this.#awaitHistory(offset), told);
    this.#here.subscribe({ last: hereOnEntry }).catch(told);
    this.#timers.push(setInterval(() => this.#beat(), lookMs));
    this.#tellPeople();
  }

  /** Says goodbye and unsubscribes. The room is of no further use. */
  leave(): void {
    for (const off of this.#off.splice(0)) off();
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    if (this.#here.state === 'subscribed') this.#say('gone');
    this.#messages.unsubscribe().catch(told);
    this.#here.unsubscribe().catch(told);
  }

  /** Publishes a message. Sent a second time, after a failure that was none, it still appears once. */
  async publish(message: OwnMessage): Promise<void> {
    await this.#messages.publish(message, { idempotencyKey: message.id });
  }

  /** The same person under another name. */
  rename(me: Person): void {
    this.#me = me;
    this.#tellPeople();
    this.#sayHere();
  }

  #arrived(data: unknown, { offset = 0, recovered }: Message): void {
    if (!recovered) this.#complete();
    // What was kept came at a time that nobody wrote down.
    const line = readLine(data, recovered ? undefined : Date.now());
    this.#listener.arrived(line, recovered ? (this.#entered ? 'recovered' : 'history') : 'live');
    if (this.#awaited !== undefined && offset >= this.#awaited) this.#complete();
  }

  #awaitHistory(offset: number): void {
    if (this.#entered) return;
    this.#awaited = offset;
    if (offset === 0) this.#complete();
    else this.#timers.push(setTimeout(() => this.#complete(), historyWaitMs));
  }

  #recovering(since: number, offset: number): void {
    if (!this.#entered) this.#complete();
    this.#awaited = offset;
    if (since >= offset) this.#complete();
  }

  /** What was awaited has arrived. */
  #complete(): void {
    if (!this.#entered) {
      this.#entered = true;
      this.#listener.entered();
    } else if (this.#awaited !== undefined) this.#listener.caughtUp();
    this.#awaited = undefined;
  }

  #gap(): void {
    this.#complete();
    this.#listener.gap();
  }

  #heard(data: unknown, live: boolean): void {
    this.#roster.hear(data, Date.now(), live);
    this.#tellPeople();
    // Browsers slow the timers of hidden pages down, but not what arrives: hearing another is a beat too.
    if (live) this.#beat();
  }

  #beat(): void {
    this.#tellPeople();
    if (Date.now() - this.#saidHereAt >= beatMs) this.#sayHere();
  }

  #sayHere(): void {
    // Offline it would only wait in a queue: the next subscription says it anyway.
    if (this.#here.state !== 'subscribed') return;
    this.#saidHereAt = Date.now();
    this.#say('here');
  }

  #say(type: HereMessage['type']): void {
    const message: HereMessage = { type, ...this.#me, at: Date.now() };
    this.#here.publish(message).catch(told);
  }

  #tellPeople(): void {
    const people = this.#roster.people(Date.now(), this.#me);
    const text = JSON.stringify(people);
    if (text === this.#toldPeople) return;
    this.#toldPeople = text;
    this.#listener.people(people);
  }
}

/** The channel's `state` event told it already, or the next beat repeats it. */
function told(): void {}
