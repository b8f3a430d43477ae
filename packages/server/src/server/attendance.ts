/** What a primary keeps and tells of clients, channels and users of all its workers, and what a worker has in place of that. */
import { limits } from '@carillon/protocol';
import type { LinkHost } from '../brokers/link/host.ts';
import type { Settings } from '../config/settings.ts';
import { type Books, OwnBooks } from '../core/attendance.ts';
import type { Clock } from '../core/clock.ts';
import type { Counters } from '../core/figures.ts';
import { Lifecycle } from '../core/lifecycle.ts';
import type { Log } from '../core/log.ts';
import type { Rules } from '../core/rules.ts';
import type { Calls } from '../link/calls.ts';
import type { Webhooks } from '../webhooks/webhooks.ts';
import { SharedHooks } from '../workers/hooks.ts';
import { linkedComings, SharedComings } from '../workers/occupancy.ts';
import { LinkedPresence, SharedPresence } from '../workers/presence.ts';
import type { LinkedWorker } from '../workers/relay.ts';
import { SharedWebhooks } from '../workers/webhooks.ts';
import { startWebhooks } from './webhooks.ts';

/** A worker's account of members, channels and users: the primary's. */
export function linkedBooks(calls: Calls): Books {
  return { members: new LinkedPresence(calls), comings: linkedComings(calls) };
}

/** Who hears of what happens, as the primary knows them: the hooks of one worker, and the webhooks. */
export class Listeners {
  readonly hooks = new SharedHooks();
  readonly lifecycle: Lifecycle;
  readonly #webhooks: Webhooks;
  readonly #shared: SharedWebhooks;
  readonly #clock: Clock;
  readonly #drainMs: number;
  /** When what clients are given to leave is over. */
  #endsAt: number | undefined;

  constructor(settings: Settings, clock: Clock, log: Log) {
    this.#webhooks = startWebhooks(settings, clock, log);
    this.#shared = new SharedWebhooks(this.#webhooks);
    this.#clock = clock;
    this.#drainMs = settings.drainMs;
    this.lifecycle = new Lifecycle([this.hooks, this.#webhooks]);
  }

  begun(worker: LinkedWorker): void {
    this.hooks.begun(worker);
    this.#shared.begun(worker);
  }

  gone(worker: number): void {
    this.hooks.gone(worker);
    this.#shared.gone(worker);
  }

  /** What Prometheus is told of the webhooks. */
  figures(): ReturnType<Webhooks['figures']> {
    return this.#webhooks.figures();
  }

  /** Other webhooks. */
  configured({ webhooks }: Settings): void {
    this.#webhooks.replace(webhooks);
    this.#shared.changed();
  }

  /** The workers are about to end: no event waits for others any more. */
  hurry(): void {
    this.#endsAt = this.#clock.now() + this.#drainMs;
    this.#webhooks.hurry();
  }

  /** Call when nothing more happens: the webhooks have a moment to be told of the last of it. */
  async close(): Promise<void> {
    const leftMs = (this.#endsAt ?? 0) - this.#clock.now();
    await this.#webhooks.close(Math.max(leftMs, limits.webhookFarewellMs));
  }
}

export interface SharedAttendanceParts {
  /** How long a client that is gone is waited for before that is told, in milliseconds. */
  readonly graceMs: number;
  readonly host: Pick<LinkHost, 'followers'>;
  readonly rules: Rules;
  readonly lifecycle: Lifecycle;
  readonly counters: Counters;
  readonly clock: Clock;
}

/** The lists of members, and the count of who comes and goes, of all workers. */
export class SharedAttendance {
  readonly #books: OwnBooks;
  readonly #presence: SharedPresence;
  readonly #comings: SharedComings;

  constructor({ host, ...parts }: SharedAttendanceParts) {
    this.#books = new OwnBooks(parts);
    this.#presence = new SharedPresence(this.#books.members, (channel) => host.followers(channel));
    this.#comings = new SharedComings(this.#books.comings);
  }

  begun(worker: LinkedWorker): void {
    this.#presence.begun(worker);
    this.#comings.begun(worker);
  }

  gone(worker: number): void {
    this.#presence.gone(worker);
    this.#comings.gone(worker);
  }

  /** Each counts once, however many workers it is at. */
  figures(): { readonly presenceMembers: number; readonly channels: number; readonly users: number } {
    const { channels, users } = this.#comings;
    return { presenceMembers: this.#books.members.size, channels, users };
  }
}
