/** Tells the application of messages that nobody has acknowledged in time: once for each inbox, until there is an acknowledgement. */
import { limits, type Position } from '@carillon/protocol';
import type { Broker, Publication } from './broker.ts';
import type { Clock } from './clock.ts';
import { Expiries, type Expiring } from './expiries.ts';
import type { Counters } from './figures.ts';
import { findInbox, type Inbox, unreadAfter } from './inbox.ts';
import type { InboxStore } from './inbox-store.ts';
import type { LifecycleSink } from './lifecycle.ts';
import type { Log } from './log.ts';
import type { Rules } from './rules.ts';

export interface OverdueContext {
  readonly clock: Clock;
  readonly rules: Rules;
  readonly broker: Pick<Broker, 'history' | 'channels'>;
  readonly store: InboxStore;
  readonly lifecycle: LifecycleSink;
  readonly counters: Counters;
  readonly log: Log;
  /** Inboxes that are watched at a time. */
  readonly maxInboxes?: number;
}

/** Inboxes that are looked at side by side: what falls due together must not ask the stores all at once. */
const sideBySide = 16;
/** How long until an inbox that could not be read is tried again. */
const retryMs = 10_000;

/** An inbox that may have something overdue at `expiresAt`; whether it has is seen then. */
class Watch implements Expiring {
  readonly channel: string;
  readonly expiresAt: number;
  heapIndex = -1;
  readonly #due: (watch: Watch) => void;

  constructor(channel: string, expiresAt: number, due: (watch: Watch) => void) {
    this.channel = channel;
    this.expiresAt = expiresAt;
    this.#due = due;
  }

  expired(): void {
    this.#due(this);
  }
}

/**
 * An inbox is watched from its first publication that nobody has acknowledged. One place on one timer for each, whatever
 * the number of its messages: the store and the history are asked when the time has come, and say when it comes next.
 */
export class Overdue {
  readonly #context: OverdueContext;
  readonly #maxInboxes: number;
  readonly #expiries: Expiries;
  /** By channel. One is in here until it is looked at. */
  readonly #watches = new Map<string, Watch>();
  readonly #waiting = new Set<Watch>();
  #looking = 0;
  #isClosed = false;
  #hasWarned = false;

  constructor(context: OverdueContext) {
    this.#context = context;
    this.#maxInboxes = context.maxInboxes ?? limits.watchedInboxes;
    this.#expiries = new Expiries(context.clock);
  }

  /** Inboxes that are watched now. */
  get size(): number {
    return this.#watches.size;
  }

  /** Takes up what an earlier process left, where the broker still has it. */
  async resume(): Promise<void> {
    const { rules, broker, clock, log } = this.#context;
    try {
      for (const { pattern, inbox } of rules.all) {
        if (inbox?.overdueMs === undefined) continue;
        const query = { pattern: pattern.replaceAll(/\{\w+\}/g, '*'), limit: this.#maxInboxes };
        for (const { channel, publications } of await broker.channels(query)) {
          if (publications > 0 && findInbox(rules, channel)?.overdueMs !== undefined)
            this.#watch(channel, clock.now());
        }
      }
    } catch (error) {
      log.error('the inboxes could not be listed; what was overdue before the start is not told', { error });
    }
  }

  /** Something was published into an inbox whose rule has `overdue`. */
  published(channel: string, overdueMs: number): void {
    // An earlier publication will see to this one.
    if (this.#watches.has(channel)) return;
    this.#watch(channel, this.#context.clock.now() + overdueMs);
  }

  /** Some of the publications of the inbox have been acknowledged, and others are left. */
  acknowledged({ channel, overdueMs }: Inbox): void {
    // What is watched already is looked at no later than when the next one is due.
    if (overdueMs === undefined || this.#watches.has(channel)) return;
    this.#watch(channel, this.#context.clock.now());
  }

  close(): void {
    this.#isClosed = true;
    for (const watch of this.#watches.values()) this.#expiries.remove(watch);
    this.#watches.clear();
    this.#waiting.clear();
  }

  #watch(channel: string, at: number): void {
    const found = this.#watches.get(channel);
    if (this.#isClosed || (found !== undefined && found.expiresAt <= at)) return;
    if (found !== undefined) this.#expiries.remove(found);
    else if (this.#watches.size >= this.#maxInboxes) {
      this.#skip(channel);
      return;
    }
    const watch = new Watch(channel, at, (due) => this.#due(due));
    this.#watches.set(channel, watch);
    this.#expiries.add(watch);
  }

  #skip(channel: string): void {
    this.#context.counters.overdueUnwatched += 1;
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#context.log.warn(
      `more than ${this.#maxInboxes} inboxes have messages that nobody has acknowledged; 'inboxOverdue' is not told for further ones`,
      { channel },
    );
  }

  #due(watch: Watch): void {
    this.#waiting.add(watch);
    this.#next();
  }

  #next(): void {
    while (this.#looking < sideBySide) {
      const [watch] = this.#waiting;
      if (watch === undefined) return;
      this.#waiting.delete(watch);
      // What is published from now on is a matter of the next look.
      if (this.#watches.get(watch.channel) === watch) this.#watches.delete(watch.channel);
      this.#looking += 1;
      void this.#look(watch.channel).then(() => {
        this.#looking -= 1;
        this.#next();
      });
    }
  }

  async #look(channel: string): Promise<void> {
    const { clock, log, rules } = this.#context;
    const inbox = findInbox(rules, channel);
    try {
      if (inbox?.overdueMs !== undefined) await this.#judge(inbox, inbox.overdueMs);
    } catch (error) {
      log.error('an inbox could not be read to see what is overdue; it is tried again', { channel, error });
      this.#watch(channel, clock.now() + retryMs);
    }
  }

  async #judge({ channel, user, retention }: Inbox, overdueMs: number): Promise<void> {
    const { clock, store, lifecycle, counters } = this.#context;
    const { oldest, furthest, unread } = await this.#oldestUnread(channel);
    if (oldest === undefined) return;
    const dueAt = (oldest.at ?? 0) + overdueMs;
    if (dueAt > clock.now()) {
      this.#watch(channel, dueAt);
      return;
    }
    if (this.#isClosed || !lifecycle.wants('inboxOverdue')) return;
    if (!(await store.claim(channel, furthest, retention.ttlMs))) return;
    counters.overdue += 1;
    lifecycle.tell('inboxOverdue', { user, channel, offset: oldest.offset, unread });
  }

  async #oldestUnread(channel: string): Promise<{
    readonly oldest: Publication | undefined;
    readonly furthest: Position;
    readonly unread: number;
  }> {
    const { store, broker } = this.#context;
    const { furthest } = await store.read(channel);
    const read = async (sinceOffset: number) => await broker.history(channel, { sinceOffset, limit: 1 });
    let page = await read(furthest?.offset ?? 0);
    const isSameStream = furthest?.epoch === page.epoch;
    if (furthest !== undefined && !isSameStream) page = await read(0);
    return {
      oldest: page.publications[0],
      furthest: isSameStream && furthest !== undefined ? furthest : { epoch: page.epoch, offset: 0 },
      unread: unreadAfter(furthest, page),
    };
  }
}
