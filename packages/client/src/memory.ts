/** Which transport had to be used for a server: kept over page loads where the browser lets us, else as long as the process lives. */
import type { TransportName } from './transport.ts';

export interface Remembered {
  readonly name: TransportName;
  /** Milliseconds for which the better ones are still left alone. */
  readonly leftMs: number;
  /** How long they are left alone the next time. */
  readonly restMs: number;
}

export interface Memory {
  /** Undefined where nothing is known, or what was known has expired. */
  get(): Remembered | undefined;
  set(remembered: Remembered | undefined): void;
}

const kept = new Map<string, string>();

/** What is known of `server`. */
export function recall(server: string): Memory {
  const key = `carillon:${server}`;
  return {
    get: () => {
      try {
        const text = storage()?.getItem(key) ?? kept.get(key);
        const { name, until, restMs } = JSON.parse(text ?? '{}');
        const leftMs = until - Date.now();
        return leftMs > 0 ? { name, leftMs, restMs } : undefined;
      } catch {
        return undefined;
      }
    },
    set: (remembered) => {
      if (remembered === undefined) {
        kept.delete(key);
        attempt(() => storage()?.removeItem(key));
        return;
      }
      const { name, leftMs, restMs } = remembered;
      const text = JSON.stringify({ name, until: Date.now() + leftMs, restMs });
      kept.set(key, text);
      attempt(() => storage()?.setItem(key, text));
    },
  };
}

/** Reading the property alone throws where a browser forbids it; Node.js warns where it has no file for it. */
function storage(): Storage | undefined {
  return typeof document === 'undefined' ? undefined : globalThis.localStorage;
}

/** A full or forbidden storage only means that the next page load has to search again. */
function attempt(write: () => void): void {
  try {
    write();
  } catch {}
}
