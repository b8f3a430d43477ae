/** Time and chance, as the SDK uses them: real in use, virtual in tests. */

/** Cancels what it came from; harmless when that is over. */
export type Cancel = () => void;

export interface Timers {
  /** Milliseconds that never step back; the origin means nothing. */
  now(): number;
  /** Runs `task` once, `ms` milliseconds from now. */
  after(ms: number, task: () => void): Cancel;
  /** A number in [0, 1). */
  random(): number;
}

export const realTimers: Timers = {
  now: () => performance.now(),
  after: (ms, task) => {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
  random: Math.random,
};
