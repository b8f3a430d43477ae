/** A client that reads channels and writes down what it is told. */
import type { ReaderLog } from './log.ts';

export interface Reader {
  readonly logs: readonly ReaderLog[];
  /** Why it was turned away for good; undefined while it reads. */
  readonly failure: string | undefined;
  /** Resolves once it is subscribed to everything, or turned away. */
  readonly ready: Promise<void>;
  close(): void;
}

/** Where to read, and where to write it down. */
export interface Reading {
  readonly port: number;
  readonly logs: readonly ReaderLog[];
}
