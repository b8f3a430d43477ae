/** A `for await` loop over a channel: holds what the loop has not asked for yet, up to a bound. */
import { CarillonError } from './errors.ts';
import type { Message } from './events.ts';
import * as reasons from './reasons.ts';

/** Messages that wait for the loop; past it the loop ends with an error rather than lose one silently. */
const heldMax = 10_000;

/** What fills a loop and ends it. */
export interface Intake<T> {
  push(message: Message<T>): void;
  /** The loop ends once it took what is held: with `error` if there is one. */
  end(error?: CarillonError): void;
}

/** Runs from the first message asked for. `listen` starts the intake and returns what stops it. */
export async function* iterate<T>(
  listen: (intake: Intake<T>) => () => void,
): AsyncGenerator<Message<T>, void, undefined> {
  let held: Message<T>[] = [];
  let wake = () => {};
  let ended: { readonly error: CarillonError | undefined } | undefined;
  const end = (error?: CarillonError) => {
    ended ??= { error };
    wake();
  };
  const stop = listen({
    push: (message) => {
      if (held.push(message) > heldMax) {
        held.pop();
        end(new CarillonError(reasons.overflow));
      } else wake();
    },
    end,
  });
  try {
    for (;;) {
      const batch = held;
      held = [];
      yield* batch;
      if (held.length > 0) continue;
      if (ended?.error) throw ended.error;
      if (ended) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    stop();
  }
}
