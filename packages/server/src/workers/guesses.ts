/** Tokens that nobody knows, counted over all workers: who guesses gains nothing by many connections. */
import type { TokenGuessesOptions } from '../core/token-guesses.ts';
import type { Calls, Told } from '../link/calls.ts';
import type { LinkedWorker } from './relay.ts';

type Elsewhere = NonNullable<TokenGuessesOptions['elsewhere']>;

/** What a worker is told of under the name `guesses`, and tells the primary under the same. */
interface GuessVerbs {
  /** A token that an address showed, under which it is counted, was refused. */
  refused(bucket: string): void;
}

const name = 'guesses';

/** A worker's: those of others count here, and those of this one elsewhere. */
export function linkedGuesses(calls: Calls): Elsewhere {
  const primary = calls.told<GuessVerbs>(name);
  return {
    refused: (bucket) => primary.refused(bucket),
    hear: (refused) => calls.offer<GuessVerbs>(name, { refused }, ['refused']),
  };
}

/** The primary's: hands on what each worker says to the others. A worker that begins knows of none. */
export class SharedGuesses {
  readonly #workers = new Map<number, Told<GuessVerbs>>();

  begun({ id, calls }: LinkedWorker): void {
    this.#workers.set(id, calls.told<GuessVerbs>(name));
    calls.offer<GuessVerbs>(name, { refused: (bucket) => this.#handOn(id, bucket) }, ['refused']);
  }

  gone(id: number): void {
    this.#workers.delete(id);
  }

  #handOn(from: number, bucket: string): void {
    for (const [id, worker] of this.#workers) if (id !== from) worker.refused(bucket);
  }
}
