/** An answer that is waited for, but not for ever. */
import type { Clock } from './clock.ts';

/** Resolves with what was asked for; rejects with `late()` where that has not come after `ms` milliseconds. */
export function inTime<Answer>(
  asked: Promise<Answer>,
  ms: number,
  clock: Clock,
  late: () => Error,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(late()));
    asked.then(resolve, reject).finally(cancel);
  });
}
