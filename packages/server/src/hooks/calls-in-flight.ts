/** The calls that a thread has not answered: each has its time, and a thread that gives no sign of life is told. */
import type { Cancel, Clock } from '../core/clock.ts';
import type { Settled } from './settled.ts';

export interface CallsInFlightOptions {
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Asks for a sign of life. */
  readonly ping: () => void;
  /** A call is late, and for a good part of its time there was no sign of life at all. */
  readonly stuck: () => void;
}

interface Call {
  readonly hook: string;
  readonly startedAt: number;
  readonly settle: (settled: Settled) => void;
}

/** How often a thread that works is looked at. */
const lookMs = 250;

export class CallsInFlight {
  readonly #options: CallsInFlightOptions;
  /** In the order of their coming, which is that of their ends. */
  readonly #calls = new Map<number, Call>();
  #lastId = 0;
  /** Of the first ping that is not answered. */
  #pingedAt: number | undefined;
  #cancel: Cancel | undefined;

  constructor(options: CallsInFlightOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#calls.size;
  }

  /** Whose calls they are, each hook once. */
  hooks(): string[] {
    return [...new Set([...this.#calls.values()].map(({ hook }) => hook))];
  }

  /** Returns the id of the call. */
  add(hook: string, settle: (settled: Settled) => void): number {
    const { clock } = this.#options;
    this.#lastId += 1;
    this.#calls.set(this.#lastId, { hook, startedAt: clock.now(), settle });
    this.#cancel ??= this.#lookLater();
    return this.#lastId;
  }

  /** An answer that comes too late is nobody's any more. */
  settle(id: number, settled: Settled): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    call?.settle(settled);
  }

  signOfLife(): void {
    this.#pingedAt = undefined;
  }

  /** Settles all that are left. */
  close(settled: (hook: string) => Settled): void {
    this.#cancel?.();
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const { hook, settle } of calls) settle(settled(hook));
  }

  #lookLater(): Cancel {
    const { clock, timeoutMs } = this.#options;
    return clock.after(Math.min(lookMs, timeoutMs / 4), () => {
      this.#cancel = undefined;
      this.#look();
      if (this.#calls.size > 0) this.#cancel ??= this.#lookLater();
    });
  }

  #look(): void {
    const { clock, timeoutMs, ping, stuck } = this.#options;
    const now = clock.now();
    for (const [id, { startedAt }] of this.#calls) {
      const age = now - startedAt;
      if (age >= timeoutMs) {
        if (this.#pingedAt !== undefined && now - this.#pingedAt >= timeoutMs / 4) {
          stuck();
          return;
        }
        this.settle(id, { outcome: 'late', reason: `no answer within ${timeoutMs} ms` });
        continue;
      }
      if (age >= timeoutMs / 2 && this.#pingedAt === undefined) {
        this.#pingedAt = now;
        ping();
      }
      break;
    }
  }
}
