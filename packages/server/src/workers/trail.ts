/** What became of publications, asked of all processes: each remembers its own part, and the primary which workers are gone. */
import { limits } from '@carillon/protocol';
import type { AskDeliveries } from '../core/deliveries.ts';
import { DeliveryFacts, type DeliveryQuestion, type ProcessFacts } from '../core/delivery-facts.ts';
import type { Trail } from '../core/trail.ts';
import type { Calls } from '../link/calls.ts';
import type { Peers } from './peers.ts';
import type { LinkedWorker } from './relay.ts';

/** Under this name workers offer what they remember to all, and the primary to its workers. */
export const trailName = 'trail';

export type TrailVerbs = Pick<DeliveryFacts, 'facts'>;

/** The primary's part. It has no sessions. */
export class SharedTrail {
  readonly #facts: DeliveryFacts;
  readonly #trail: Pick<Trail, 'stamp'>;
  readonly #gone: { readonly worker: number; readonly at: number }[] = [];

  constructor(trail: Trail) {
    this.#trail = trail;
    this.#facts = new DeliveryFacts(trail, { user: () => [], session: () => undefined });
  }

  begun({ calls }: LinkedWorker): void {
    calls.offer<TrailVerbs>(trailName, this, ['facts']);
  }

  gone(worker: number): void {
    this.#gone.push({ worker, at: this.#trail.stamp() });
    if (this.#gone.length > limits.tracedWorkers) this.#gone.shift();
  }

  facts(question: DeliveryQuestion): ProcessFacts {
    return { ...this.#facts.facts(question), gone: [...this.#gone] };
  }
}

/** Asks the primary and every worker, this one too. */
export function askingAll(calls: Calls, peers: Peers): AskDeliveries {
  const primary = calls.remote<TrailVerbs>(trailName);
  const everywhere = peers.everywhere<TrailVerbs>(trailName);
  return async (question) => {
    const [own, workers] = await Promise.all([primary.facts(question), everywhere.facts(question)]);
    return [own, ...workers.toSorted((a, b) => (a.worker ?? 0) - (b.worker ?? 0))];
  };
}
