/** Time, as it is given to the core: real in the server, virtual in tests. */

/** Cancels what it came from; harmless when that is over. */
export type Cancel = () => void;

export interface Clock {
  /** Milliseconds since the Unix epoch; never steps back within a process. */
  now(): number;
  /** Runs `task` once, `ms` milliseconds from now. Does not keep the process alive. */
  after(ms: number, task: () => void): Cancel;
  /** Runs `task` once, when everything that is due in this turn of the event loop has run. */
  atTurnEnd(task: () => void): void;
}
