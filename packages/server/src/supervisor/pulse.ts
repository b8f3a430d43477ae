/** Notices a process that lives and does nothing any more: one that loops, or that was stopped. */
import { limits } from '@carillon/protocol';
import type { Cancel, Clock } from '../core/clock.ts';

/** Questions in a row that were due while one had no answer: as many as fit into the time that a worker may be silent. */
const missedAtMost = Math.ceil(limits.workerSilentMs / limits.workerPulseMs);

/**
 * Asks again and again, one question at a time, and calls `silent` once when there was no answer for so long. What is counted is
 * this process's own turns and not the time that passed: where the whole machine slept or this process had no share of it, as
 * much as when a debugger held it, the other one had no time to answer either. A question that fails is not answered: the
 * process has lost its link, and ends soon or not at all.
 */
export function watchPulse(ping: () => Promise<void>, clock: Clock, silent: () => void): Cancel {
  let missed = 0;
  let isAsked = false;
  let cancel: Cancel = () => {};
  const answered = (): void => {
    isAsked = false;
    missed = 0;
  };
  const beat = (): void => {
    if (isAsked) missed += 1;
    if (missed >= missedAtMost) {
      silent();
      return;
    }
    cancel = clock.after(limits.workerPulseMs, beat);
    if (isAsked) return;
    isAsked = true;
    ping().then(answered, () => undefined);
  };
  cancel = clock.after(limits.workerPulseMs, beat);
  return () => cancel();
}
