/** One customer's inbox on this device: what came, what is read, and how it stays in step with the other devices. */
import type { Carillon, Channel } from '@carillon/client';
import { callApi } from '../shared/request.ts';
import { inboxOf } from './customers.ts';
import { type Notice, readNotice } from './notice.ts';
import { NoticeList } from './notice-list.ts';

export interface InboxListener {
  /** The list, or how far it is read, is another. */
  changed(): void;
  /** Something came just now. */
  arrived(notice: Notice): void;
  /** This device is back; so many notifications waited for it. */
  caughtUp(count: number): void;
  refused(error: unknown): void;
}

/** How many notifications the bell begins with, read ones among them. */
const shownOnes = 50;

export class Inbox {
  readonly list = new NoticeList();
  readonly #user: string;
  readonly #channel: Channel;
  readonly #listener: InboxListener;
  /** What came since this device is back, as long as the rest of it is awaited. */
  #waiting: { readonly until: number; count: number } | undefined;

  constructor(carillon: Carillon, user: string, listener: InboxListener) {
    this.#user = user;
    this.#listener = listener;
    this.#channel = carillon.channel(inboxOf(user));
  }

  /** Subscribes: what this device has not acknowledged comes first, then what is published. */
  start(): void {
    this.#channel.on('message', (data, { offset, recovered }) => this.#came(data, offset, recovered));
    this.#channel.on('ack', ({ offset }) => this.#readElsewhere(offset));
    this.#channel.on('gap', ({ epoch }) => this.#lost(epoch));
    this.#channel.on('recovered', ({ since, offset }) => this.#back(since.offset, offset));
    this.#channel.on('state', ({ state, reason }) => {
      if (state === 'subscribed') this.#catchUp();
      else if (state === 'unsubscribed') this.#listener.refused(reason);
    });
  }

  /** Everything up to `offset` is read, here and on every other device. */
  read(offset: number): void {
    if (!this.list.readUpTo(offset)) return;
    this.#acknowledge();
    this.#listener.changed();
  }

  #came(data: unknown, offset: number | undefined, recovered: boolean): void {
    if (offset === undefined) return;
    const notice = readNotice(data);
    if (!this.list.add(offset, notice)) return;
    this.#listener.changed();
    const waiting = this.#waiting;
    if (waiting !== undefined && recovered) waiting.count += 1;
    if (waiting !== undefined && offset >= waiting.until) {
      this.#waiting = undefined;
      this.#listener.caughtUp(waiting.count);
    }
    if (!recovered) this.#listener.arrived(notice);
  }

  /** Another device acknowledged it, so this one need not show it as new. Its own place follows. */
  #readElsewhere(offset: number): void {
    if (!this.list.readUpTo(offset)) return;
    this.#acknowledge();
    this.#listener.changed();
  }

  #back(since: number, until: number): void {
    if (until > since) this.#waiting = { until, count: 0 };
    else this.#listener.caughtUp(0);
  }

  /** The server forgot what was there, as one without a data directory does when it is started again. */
  #lost(epoch: string | undefined): void {
    if (epoch !== undefined) this.list.clear();
    this.#listener.changed();
  }

  /** What was read long ago, and what was read elsewhere while this device was away. */
  #catchUp(): void {
    const older = this.list.top === 0 ? this.#readOlder() : undefined;
    Promise.all([older, this.#askHowFar()])
      .then(() => this.#listener.changed())
      .catch((error: unknown) => this.#listener.refused(error));
  }

  async #readOlder(): Promise<void> {
    const { publications } = await this.#channel.history({ limit: shownOnes, reverse: true });
    for (const { offset, data } of publications) this.list.add(offset, readNotice(data));
  }

  /** A page asks its own backend for it; here it is the server API itself. */
  async #askHowFar(): Promise<void> {
    const answer = (await callApi('inbox_unread', { user: this.#user })) as {
      readonly devices: readonly { readonly offset: number }[];
    };
    const furthest = Math.max(0, ...answer.devices.map(({ offset }) => offset));
    if (furthest < this.list.read || this.list.readUpTo(furthest)) this.#acknowledge();
  }

  /** What could not be said now is said when the connection is back. */
  #acknowledge(): void {
    this.#channel.ack(this.list.read).catch(() => {});
  }
}
