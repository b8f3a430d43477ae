/** Publishes one publication after another, and repeats each with its idempotency key until it is answered. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from './api.ts';
import type { PublisherPlan } from './plan.ts';
import type { Random } from './random.ts';
import { closingId, type Ledger, payload } from './truth.ts';

/** How long a publication is repeated once the server is left in peace. */
const graceMs = 30_000;

export class Publisher {
  readonly #plan: PublisherPlan;
  readonly #channels: readonly string[];
  readonly #api: Api;
  readonly #ledger: Ledger;
  readonly #draw: Random;
  #stopAt = Number.POSITIVE_INFINITY;

  constructor(
    plan: PublisherPlan,
    channels: readonly string[],
    { api, ledger, draw }: { readonly api: Api; readonly ledger: Ledger; readonly draw: Random },
  ) {
    this.#plan = plan;
    this.#channels = channels;
    this.#api = api;
    this.#ledger = ledger;
    this.#draw = draw;
  }

  /** Publishes until {@link stop}. @throws {Error} it was refused, or not answered in the end. */
  async run(): Promise<void> {
    for (let number = 1; this.#stopAt === Number.POSITIVE_INFINITY; number++) {
      const channel = this.#channels[this.#draw(this.#channels.length)] ?? '';
      await this.#publish(channel, `${this.#plan.name}:${number}`, this.#size());
      await sleep(this.#plan.pauseMs * (0.5 + this.#draw(100) / 100));
    }
  }

  /** The one on its way is repeated until it is answered; no other follows. */
  stop(): void {
    this.#stopAt = Date.now();
  }

  /** The last publication of a channel. @throws {Error} */
  async close(channel: string): Promise<void> {
    this.stop();
    await this.#publish(channel, closingId(channel), 0);
  }

  /** Mostly small, now and then larger than a socket takes at once. */
  #size(): number {
    return this.#draw(50) === 0 ? this.#draw(40_000) : this.#draw(400);
  }

  async #publish(channel: string, id: string, size: number): Promise<void> {
    const data = payload(id, size);
    this.#ledger.send(channel, id);
    for (let attempt = 1; Date.now() < this.#stopAt + graceMs; attempt++) {
      const place = await this.#api.publish(channel, data, id);
      if (attempt === 2) this.#ledger.repeated += 1;
      if (place !== undefined) return this.#ledger.acknowledge(channel, { id, ...place });
      await sleep(10 + this.#draw(90));
    }
    throw new Error(`'${id}' to ${channel} was not answered within ${graceMs / 1000} s of peace`);
  }
}
