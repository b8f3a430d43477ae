/** Finds the transport that gets through, and remembers it: steps down where nothing comes, and back up when it is time to try. */
import { type Memory, recall } from './memory.ts';
import type { Timers } from './timers.ts';
import type { Transport } from './transport.ts';

/** Doubt that it takes to leave a transport that never worked, and one that did: its server may just be restarting. */
const unprovenDoubt = 2;
const provenDoubt = 6;

/** How long the better transports are left alone once another had to take their place; each time twice as long, up to a bound. */
const restMs = 300_000;
const restMaxMs = 3_600_000;

export class Ladder {
  readonly #transports: readonly [Transport, ...Transport[]];
  readonly #timers: Pick<Timers, 'now'>;
  readonly #memory: Memory;
  #step = 0;
  /** The step that worked last; -1 while none did. */
  #proven = -1;
  #doubt = 0;
  /** When the better ones are tried again. */
  #restUntil: number;
  #restMs = restMs;
  /** A round over all of them is under way. */
  #isSearching = false;
  /** None of them worked lately: that says something about the network, and nothing about any of them. */
  #isOutage = false;

  /** `server`: under which name what worked is remembered. */
  constructor(transports: readonly [Transport, ...Transport[]], timers: Pick<Timers, 'now'>, server: string) {
    this.#transports = transports;
    this.#timers = timers;
    this.#memory = recall(server);
    const known = this.#memory.get();
    const step = transports.findIndex(({ name }) => name === known?.name);
    this.#step = Math.max(0, step);
    this.#restUntil = timers.now() + (known?.leftMs ?? 0);
    this.#restMs = known?.restMs ?? restMs;
  }

  /** The one to use. */
  get transport(): Transport {
    return this.#transports[this.#step] ?? this.#transports[0];
  }

  /** Another could take its place. */
  get hasOther(): boolean {
    return this.#step + 1 < this.#transports.length;
  }

  /** A connection is to be opened: perhaps it is time to try the best transport again. */
  begin(): void {
    if (this.#isSearching || this.#step === 0 || this.#timers.now() < this.#restUntil) return;
    this.#step = 0;
    this.#doubt = 0;
  }

  /** Something came through the present one. */
  worked(): void {
    const stepped = this.#isSearching && !this.#isOutage && this.#step > 0;
    this.#isSearching = false;
    this.#isOutage = false;
    this.#doubt = 0;
    this.#proven = this.#step;
    if (stepped) this.#rest();
    else if (this.#step === 0) {
      this.#restMs = restMs;
      this.#memory.set(undefined);
    }
  }

  /** The present one ended before anything came; `doubt` is how much that says: 2 alone is enough against one that never worked. True: there is another now. */
  failed(doubt: number): boolean {
    this.#doubt += doubt;
    if (this.#doubt < (this.#proven === this.#step ? provenDoubt : unprovenDoubt)) return false;
    this.#doubt = 0;
    this.#step += 1;
    this.#isSearching = this.#step < this.#transports.length;
    if (this.#isSearching) return true;
    this.#step = 0;
    this.#isOutage = true;
    return false;
  }

  /** The better ones do not get through here: they are left alone for a while. */
  #rest(): void {
    const { name } = this.transport;
    this.#restUntil = this.#timers.now() + this.#restMs;
    this.#memory.set({ name, leftMs: this.#restMs, restMs: Math.min(this.#restMs * 2, restMaxMs) });
    this.#restMs = Math.min(this.#restMs * 2, restMaxMs);
  }
}
