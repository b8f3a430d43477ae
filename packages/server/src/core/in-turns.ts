/** Goes through many things in parts, so that the rest of the process has its turns between them. */
import type { Clock } from './clock.ts';

/** How many are gone through in one turn of the event loop. */
const perTurn = 1_000;

/** Resolves when `act` was called with each, in order. `items` must not change meanwhile. */
export async function inTurns<Item>(
  items: Iterable<Item>,
  clock: Pick<Clock, 'atTurnEnd'>,
  act: (item: Item) => void,
): Promise<void> {
  let done = 0;
  for (const item of items) {
    if (done > 0 && done % perTurn === 0) await new Promise<void>((resolve) => clock.atTurnEnd(resolve));
    done += 1;
    act(item);
  }
}
