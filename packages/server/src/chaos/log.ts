/** What one reader was told of one channel, in the order in which it was told. */
import { closingId, readPayload } from './truth.ts';

export interface MessageEntry {
  readonly kind: 'message';
  readonly id: string;
  /** The payload is as it was published. */
  readonly whole: boolean;
  readonly offset: number;
  /** Absent where the transport does not say. */
  readonly epoch: string | undefined;
}

/** A loss that was told: a `gap`, or `recovered: false`. */
export interface ToldEntry {
  readonly kind: 'told';
  /** Absent: another one than before. */
  readonly epoch?: string | undefined;
  readonly to?: number | undefined;
}

export type Entry = MessageEntry | ToldEntry;

export class ReaderLog {
  readonly reader: string;
  readonly channel: string;
  readonly entries: Entry[] = [];
  /** The channel's last publication came. */
  isComplete = false;

  constructor(reader: string, channel: string) {
    this.reader = reader;
    this.channel = channel;
  }

  message(data: unknown, offset: number | undefined, epoch?: string): void {
    const { id, whole } = readPayload(data);
    this.entries.push({ kind: 'message', id, whole, offset: offset ?? 0, epoch });
    if (id === closingId(this.channel)) this.isComplete = true;
  }

  told(entry: Omit<ToldEntry, 'kind'>): void {
    this.entries.push({ kind: 'told', ...entry });
  }
}
