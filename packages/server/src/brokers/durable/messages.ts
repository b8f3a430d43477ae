/** What the broker asks its log's thread, and what comes back: plain values, many in one message, answered in their order. */
import type { JsonText, Position } from '@carillon/protocol';
import type {
  ChannelFigures,
  EarlierAnswer,
  Exclusion,
  HistoryPage,
  HistoryQuery,
  Retention,
} from '../../core/broker.ts';
import type { FactKind } from '../../core/keep.ts';

/** What of a commit has reached the disk when it is answered; see {@link LogOptions.sync}. */
export type Sync = 'always' | 'interval' | 'off';

/** What the thread is started with. */
export interface LogOptions {
  /** The file of the log, an absolute path; its folder exists. */
  readonly file: string;
  /** The file never grows beyond it. */
  readonly maxBytes: number;
  /**
   * `always`: every commit is on the disk before it is answered. `interval`: within a second. `off`: when the system likes.
   * None of them loses anything when the process alone dies.
   */
  readonly sync: Sync;
  /** Tells one run of the machine from the next: after a power cut what was not synced is gone. */
  readonly bootId: string;
  /** A string that no epoch ever had. */
  readonly freshEpoch: string;
  readonly idempotencyTtlMs: number;
  readonly positionTtlMs: number;
  /** Heads of channels that are kept in memory. */
  readonly cachedHeads: number;
}

export interface PublishRequest {
  readonly kind: 'publish';
  readonly channel: string;
  readonly data: JsonText;
  readonly binary?: true;
  readonly exclude?: Exclusion;
  readonly retention?: Retention;
  readonly idempotencyKey?: string;
}

export type LogRequest =
  | PublishRequest
  | { readonly kind: 'answered'; readonly channel: string; readonly idempotencyKey: string }
  | { readonly kind: 'history'; readonly channel: string; readonly query: HistoryQuery }
  | { readonly kind: 'remove'; readonly channel: string }
  /** `after`: the `next` of the answer before; 0 at first. */
  | { readonly kind: 'list'; readonly after: number; readonly limit: number }
  /** A fact; without a `value` it is taken away. */
  | {
      readonly kind: 'put';
      readonly about: FactKind;
      readonly key: string;
      readonly value?: JsonText;
      readonly until?: number;
    }
  /** Facts in the order of their keys, from after `after`. */
  | { readonly kind: 'facts'; readonly about: FactKind; readonly after: string; readonly limit: number }
  /** Positions of subscribed channels are never forgotten. */
  | { readonly kind: 'subscribed'; readonly channel: string; readonly is: boolean }
  /** Takes away what is over, a slice of the channels at a time. */
  | { readonly kind: 'sweep' };

export interface PublishAnswer {
  /** Undefined where nothing is kept. */
  readonly position: Position | undefined;
  /** The key was there before: nothing was published. */
  readonly isRepeat: boolean;
}

export interface ListAnswer {
  readonly channels: readonly ChannelFigures[];
  /** Where to go on; 0 at the end. */
  readonly next: number;
}

/** Keys and values. */
export type FactsAnswer = readonly (readonly [key: string, value: JsonText])[];

export type LogAnswer = FactsAnswer | PublishAnswer | EarlierAnswer | HistoryPage | ListAnswer | undefined;

/** Nothing of this request took effect. The reason is half a sentence. */
export interface NotDone {
  readonly notDone: string;
}

/** Everything of one batch is committed together; where that fails, each by itself, in its order. */
export interface LogBatch {
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  readonly requests: readonly LogRequest[];
}

/** What the thread says. */
export type LogMessage =
  | { readonly kind: 'open' }
  | { readonly kind: 'fault'; readonly reason: string; readonly isInUse: boolean }
  | { readonly kind: 'answers'; readonly answers: readonly (LogAnswer | NotDone)[] };
