/** A connection that is kept up: opened, worked on until it is lost, and opened again after a wait. */
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { backoffMs } from './backoff.ts';
import type { Link } from './link.ts';
import { reasonOf } from './reason.ts';

export interface LineOptions {
  /** What it is for, in log lines: `channels`. */
  readonly name: string;
  /** Opens the connection. Must end soon when it is aborted. */
  readonly open: (signal: AbortSignal) => Promise<Link>;
  /**
   * Uses the connection for as long as there is one, and calls `up` when all is in force. Rejects when it is lost or cannot
   * be used; resolves only when `signal` was aborted.
   */
  readonly work: (link: Link, up: () => void, signal: AbortSignal) => Promise<void>;
  /** It is in force again, after so many milliseconds in which it was not. Not called where the first attempt succeeds. */
  readonly backUp: (downMs: number) => unknown;
  readonly clock: Clock;
  readonly log: Log;
}

/** An attempt that is not in force after this time is given up: whoever accepted the connection does not answer. */
const attemptMs = 10_000;
/** A connection that was in force for this long was a good one: the next wait is short. */
const steadyMs = 10_000;
/** How often it is said that there is still no connection. */
const remindMs = 60_000;

export class Line {
  readonly #options: LineOptions;
  readonly #closing = new AbortController();
  #isUp = false;
  #changedAt: number;
  #failures = 0;
  #saidAt = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#changedAt = options.clock.now();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** When `isUp` became what it is, in milliseconds of the clock. */
  get changedAt(): number {
    return this.#changedAt;
  }

  /** Begins. Resolves when it is in force (undefined), or when the first attempt failed (why), and goes on by itself. */
  start(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#running = this.#run(resolve);
    });
  }

  /** Ends what is under way, after the publication that is being taken. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
    this.#isUp = false;
  }

  async #run(tried: (fault: string | undefined) => void): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const fault = await this.#attempt(() => tried(undefined));
      if (signal.aborted) break;
      this.#fell(fault);
      tried(fault);
      await this.#wait(backoffMs(this.#failures));
    }
    tried('the server is closing');
  }

  /** One connection from its beginning to its end. Resolves with the reason of the end. */
  async #attempt(up: () => void): Promise<string> {
    const { open, work, clock } = this.#options;
    const attempt = new AbortController();
    const { signal } = attempt;
    const cancel = clock.after(attemptMs, () => attempt.abort(new Error('it does not answer')));
    const close = (): void => attempt.abort(new Error('the server is closing'));
    this.#closing.signal.addEventListener('abort', close, { once: true });
    let link: Link | undefined;
    try {
      const opening = open(signal);
      // What comes about after it was given up is closed again.
      opening.then(
        (late) => signal.aborted && late.close(),
        () => undefined,
      );
      link = await Promise.race([opening, abortOf(signal)]);
      // From here on it is the work that ends, when it is a good moment.
      this.#closing.signal.removeEventListener('abort', close);
      const inForce = (): void => {
        cancel();
        this.#rose();
        up();
      };
      await Promise.race([work(link, inForce, this.#closing.signal), abortOf(signal)]);
      return 'the connection was closed';
    } catch (error) {
      return reasonOf(error);
    } finally {
      cancel();
      this.#closing.signal.removeEventListener('abort', close);
      link?.close();
    }
  }

  #rose(): void {
    const { backUp, clock, log, name } = this.#options;
    const now = clock.now();
    const downMs = now - this.#changedAt;
    const wasTried = this.#failures > 0;
    this.#isUp = true;
    this.#changedAt = now;
    this.#saidAt = Number.NEGATIVE_INFINITY;
    log.info('Redis ingest is in force', { line: name, ...(wasTried && { downMs: Math.round(downMs) }) });
    if (wasTried) backUp(downMs);
  }

  #fell(fault: string): void {
    const { clock, log, name } = this.#options;
    const now = clock.now();
    if (this.#isUp && now - this.#changedAt >= steadyMs) this.#failures = 0;
    this.#failures += 1;
    if (this.#isUp) this.#changedAt = now;
    this.#isUp = false;
    if (now - this.#saidAt < remindMs) return;
    this.#saidAt = now;
    log.warn('Redis ingest is not in force; it is tried again until it is', { line: name, reason: fault });
  }

  /** Ends early when the line is closed. */
  #wait(ms: number): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const cancel = this.#options.clock.after(ms, end);
      signal.addEventListener('abort', end, { once: true });
    });
  }
}

/** Rejects with the reason when it is aborted. */
function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
