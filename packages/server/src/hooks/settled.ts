/** What a call of a hook came to. */
import type { JsonText } from '@carillon/protocol';

export type Settled =
  /** Everything goes its way. */
  | { readonly outcome: 'nothing' }
  /** `text` is JSON: an identity, the data, or the result. */
  | { readonly outcome: 'answer'; readonly text: JsonText }
  /** The hook said `false`. */
  | { readonly outcome: 'no' }
  /** By the application. */
  | { readonly outcome: 'refused'; readonly code: number; readonly message: string }
  /** The hook is wrong. `reason`: a sentence for the log. */
  | { readonly outcome: 'failed'; readonly reason: string }
  /** There is no answer within the time. `reason`: half a sentence for the log. */
  | { readonly outcome: 'late'; readonly reason: string }
  /**
   * It could not be asked, or the answer was lost. `isGuilty`: by the fault of this very hook. `reason`: half a sentence for the
   * log, absent where that has been told.
   */
  | { readonly outcome: 'unavailable'; readonly isGuilty: boolean; readonly reason?: string };

export type OutcomeName = Settled['outcome'];
