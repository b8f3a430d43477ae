/** The plug that carries publications between nodes and keeps their history. Append, number and hand on are one step. */
import type { JsonText, Position } from '@carillon/protocol';

/** One item of a channel. */
export interface Publication {
  /** Its place in the channel, from 1; 0 where the channel keeps no history. */
  readonly offset: number;
  readonly data: JsonText;
  /** `data` is a JSON string of base64: a client sent these bytes in a binary frame. */
  readonly binary?: true;
  readonly exclude?: Exclusion;
  /** In history: when it was appended, in milliseconds of the clock. */
  readonly at?: number;
}

/** Who is left out of a publication, live and in every later replay. */
export interface Exclusion {
  readonly sessions?: readonly string[];
  readonly users?: readonly string[];
}

/** How much of a channel is kept. */
export interface Retention {
  /** Publications kept at most. */
  readonly size: number;
  /** How long each publication is kept. */
  readonly ttlMs: number;
  /** How long epoch and top offset outlive the last of them; by default a day. Short where a name never comes again. */
  readonly positionTtlMs?: number;
}

export interface PublishOptions {
  /**
   * Absent: nothing is kept, and what was kept is forgotten. The publication gets an offset only where the channel has counted
   * before: a client that knows a position of then is told what it missed.
   */
  readonly retention?: Retention;
  readonly binary?: true;
  readonly exclude?: Exclusion;
  /** A second publish with the same key within five minutes does nothing and gets the first one's answer. */
  readonly idempotencyKey?: string;
}

/** What the first publish with an idempotency key was answered. */
export interface EarlierAnswer {
  /** Undefined where the channel kept no history. */
  readonly position: Position | undefined;
}

/** What a publish with these options hands on, and keeps; `offset` is 0 where nothing is kept. */
export function publicationOf(
  data: JsonText,
  { binary, exclude }: Pick<PublishOptions, 'binary' | 'exclude'>,
  offset: number,
): Publication {
  return { offset, data, ...(binary && { binary }), ...(exclude && { exclude }) };
}

export interface HistoryQuery {
  /** Only what comes after this offset (before it, when reversed). The epoch is the caller's to compare. */
  readonly sinceOffset?: number;
  readonly limit: number;
  /** Stops before the publications' data exceeds this many bytes, but always returns at least one. */
  readonly maxBytes?: number;
  /** Newest first. */
  readonly reverse?: boolean;
}

/** Which channels are listed; plain values, so that it can be asked elsewhere. */
export interface ChannelQuery {
  /** Of their names; `*` is one or more characters. */
  readonly pattern: string;
  /** Names and patterns of which one must match, too; absent: any name. */
  readonly within?: readonly string[];
  readonly limit: number;
}

/** A part of a channel's history, and where its stream stood when it was read. */
export interface HistoryPage {
  readonly epoch: string;
  /** The newest offset ever given in this epoch; 0 in an empty channel. */
  readonly top: number;
  /** The oldest offset that is still kept; top + 1 when nothing is. */
  readonly oldest: number;
  readonly publications: readonly Publication[];
}

/** A channel that exists: has subscribers on this node, or history. */
export interface ChannelFigures {
  readonly channel: string;
  readonly publications: number;
  readonly top: number;
}

/**
 * The contract: per channel there is one order, the same for every node; a publish that resolved is in history; the
 * epoch changes whenever offsets could repeat, and only then.
 */
export interface Broker {
  start(sink: BrokerSink): Promise<void>;
  close(): Promise<void>;
  /** Resolves once every later publication of the channel reaches this node's sink. */
  subscribe(channel: string): Promise<void>;
  unsubscribe(channel: string): Promise<void>;
  /** Appends, numbers, hands on. Undefined where the publication got no offset. */
  publish(channel: string, data: JsonText, options: PublishOptions): Promise<Position | undefined>;
  /** What a publish with this key was answered within the last five minutes; undefined where there was none. Changes nothing. */
  answered(channel: string, idempotencyKey: string): Promise<EarlierAnswer | undefined>;
  history(channel: string, query: HistoryQuery): Promise<HistoryPage>;
  /** Forgets the publications; epoch and offsets go on. */
  removeHistory(channel: string): Promise<void>;
  /** Channels in no order, without the server's own (`$`). */
  channels(query: ChannelQuery): Promise<readonly ChannelFigures[]>;
}

/** Where a broker hands what arrives for this node. The hub is the sink. */
export interface BrokerSink {
  /** In offset order, without a hole. `epoch`: of the offsets; empty where the channel keeps no history. */
  publications(channel: string, batch: readonly Publication[], epoch: string): void;
  /** Publications of the channel may be missing: its subscribers must re-read. */
  gap(channel: string): void;
  /**
   * Resolves when there is room for more; undefined where there is. A broker in another process hands on no more until then, and so has
   * publishers elsewhere wait; those of this process ask the hub.
   */
  room?(): Promise<void> | undefined;
}
