/** A place for small facts that keeps texts, as a disk would. */
import type { JsonText } from '@carillon/protocol';
import { refuse } from '../core/errors.ts';
import type { FactKind, Keep } from '../core/keep.ts';

export class Shelf implements Keep {
  readonly facts = new Map<string, JsonText>();
  isFull = false;
  /** What is put waits for this. */
  delay: Promise<void> = Promise.resolve();

  async load(kind: FactKind): Promise<ReadonlyMap<string, JsonText>> {
    const mine = [...this.facts].filter(([name]) => name.startsWith(`${kind} `));
    return new Map(mine.map(([name, value]) => [name.slice(kind.length + 1), value]));
  }

  async put(kind: FactKind, key: string, value: JsonText): Promise<void> {
    await this.delay;
    if (this.isFull) throw refuse('notAvailable', 'the disk is full');
    this.facts.set(`${kind} ${key}`, value);
  }

  async drop(kind: FactKind, key: string): Promise<void> {
    if (this.isFull) throw refuse('notAvailable', 'the disk is full');
    this.facts.delete(`${kind} ${key}`);
  }
}
