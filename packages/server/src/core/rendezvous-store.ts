/** Where rendezvous are kept: what one is, the plug that keeps them, and the home in this process's memory. */
import type { JsonText } from '@carillon/protocol';

/**
 * `created` -> `scanned` -> `confirmed` -> `consumed`; a confirmation may come without a scan. `expired` and `cancelled` end it
 * from any state before `consumed`. No state comes twice.
 */
export type RendezvousState = 'created' | 'scanned' | 'confirmed' | 'consumed' | 'expired' | 'cancelled';

/** The browser that drew a rendezvous, as the backend may show it to the one who is to confirm. */
export interface DrawingBrowser {
  readonly address: string;
  /** Its `User-Agent`; empty where it sent none. */
  readonly agent: string;
}

export interface Rendezvous {
  /** Shown by the browser, for example as a QR code. Who knows it may scan, by way of the backend. */
  readonly code: string;
  /** Known to the browser alone. */
  readonly secret: string;
  /** Where its states are published. */
  readonly channel: string;
  readonly state: RendezvousState;
  /** Milliseconds of the clock: when it expires, or once it has ended, when it is forgotten. */
  readonly expiresAt: number;
  readonly browser: DrawingBrowser;
  /** The address whose open rendezvous it counts among; absent for one that is exempt. */
  readonly countedFor?: string;
  /** Who scanned it, in the backend's own words. */
  readonly device?: string;
  /** What the browser is told about who scanned it. */
  readonly info?: JsonText;
  /** What the browser collects, once. */
  readonly data?: JsonText;
}

/** Whether it can still come to something. */
export function isOpen({ state }: Rendezvous): boolean {
  return state === 'created' || state === 'scanned' || state === 'confirmed';
}

/** Open rendezvous at most. */
export interface RendezvousLimits {
  readonly open: number;
  readonly perAddress: number;
}

/** Every method is one step that nothing else comes between, whoever else uses the store. */
export interface RendezvousStore {
  /** Takes in a new one. Returns the limit that forbids it, and then has done nothing. */
  add(rendezvous: Rendezvous): Promise<keyof RendezvousLimits | undefined>;
  find(code: string): Promise<Rendezvous | undefined>;
  /** Puts `next` in the place of the one with the same code, if that is still in the state `from`. */
  replace(next: Rendezvous, from: RendezvousState): Promise<boolean>;
  remove(code: string): Promise<void>;
}

export class MemoryRendezvousStore implements RendezvousStore {
  readonly #limits: RendezvousLimits;
  readonly #open = new Map<string, Rendezvous>();
  /** The end of it may still be asked about. In the order of ending; never more than may be open. */
  readonly #ended = new Map<string, Rendezvous>();
  readonly #byAddress = new Map<string, number>();

  constructor(limits: RendezvousLimits) {
    this.#limits = limits;
  }

  /** Those that are open. */
  get size(): number {
    return this.#open.size;
  }

  async add(rendezvous: Rendezvous): Promise<keyof RendezvousLimits | undefined> {
    const { code, countedFor } = rendezvous;
    if (this.#open.size >= this.#limits.open) return 'open';
    if (countedFor !== undefined) {
      const count = this.#byAddress.get(countedFor) ?? 0;
      if (count >= this.#limits.perAddress) return 'perAddress';
      this.#byAddress.set(countedFor, count + 1);
    }
    this.#open.set(code, rendezvous);
    return undefined;
  }

  async find(code: string): Promise<Rendezvous | undefined> {
    return this.#open.get(code) ?? this.#ended.get(code);
  }

  async replace(next: Rendezvous, from: RendezvousState): Promise<boolean> {
    const found = this.#open.get(next.code);
    if (found?.state !== from) return false;
    if (isOpen(next)) this.#open.set(next.code, next);
    else this.#end(found, next);
    return true;
  }

  async remove(code: string): Promise<void> {
    const found = this.#open.get(code);
    if (found !== undefined) this.#close(found);
    this.#ended.delete(code);
  }

  #end(found: Rendezvous, next: Rendezvous): void {
    this.#close(found);
    this.#ended.set(next.code, next);
    if (this.#ended.size <= this.#limits.open) return;
    const [oldest] = this.#ended.keys();
    if (oldest !== undefined) this.#ended.delete(oldest);
  }

  #close({ code, countedFor }: Rendezvous): void {
    this.#open.delete(code);
    if (countedFor === undefined) return;
    const count = (this.#byAddress.get(countedFor) ?? 1) - 1;
    if (count === 0) this.#byAddress.delete(countedFor);
    else this.#byAddress.set(countedFor, count);
  }
}
