/** Losses that the primary hears of: every worker tells its own subscribers. */
import type { Lost } from '../core/loss.ts';
import type { Calls } from '../link/calls.ts';
import type { Relay } from './relay.ts';
import { sum } from './spread.ts';

/** What a worker offers its primary under the name `losses`. */
export interface LossVerbs {
  /** How many subscriptions were told. */
  tellLoss(lost: Lost): number;
}

const name = 'losses';

export function offerLosses(calls: Calls, node: LossVerbs): void {
  calls.offer<LossVerbs>(name, node, ['tellLoss']);
}

/** They are told before whatever is handed on after this call. Rejects where a worker is late. */
export async function tellLossEverywhere(relay: Relay, lost: Lost): Promise<number> {
  return sum(await relay.all<LossVerbs>(name).tellLoss(lost));
}
