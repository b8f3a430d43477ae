/** A home for small facts that outlive the process, each found by its kind and key. */
import type { JsonText } from '@carillon/protocol';

/** What the facts are about; the kinds know nothing of each other. */
export type FactKind = 'block' | 'inbox' | 'member' | 'tags';

export interface Keep {
  /** Every fact of a kind that is not over, by key. */
  load(kind: FactKind): Promise<ReadonlyMap<string, JsonText>>;
  /**
   * Resolves when it is kept; puts take effect in the order of their calls. `until`: when it is over, in milliseconds since the
   * Unix epoch; absent: never. @throws {ReplyError} 108 it cannot be kept now.
   */
  put(kind: FactKind, key: string, value: JsonText, until?: number): Promise<void>;
  /** Takes a fact away, if it is there. @throws {ReplyError} 108 it cannot be taken away now. */
  drop(kind: FactKind, key: string): Promise<void>;
}
