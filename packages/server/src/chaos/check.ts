/** The judgement: what a reader was told against what was published, and what the server keeps against what it acknowledged. */
import type { Entry, MessageEntry, ReaderLog, ToldEntry } from './log.ts';
import type { Kept, Truth } from './truth.ts';

export type FaultKind =
  /** It was acknowledged, or others got it, and here it is missing, untold. */
  | 'lost'
  | 'repeated'
  | 'reordered'
  /** Nobody published it, or it is not what was published, or another publication has its offset. */
  | 'altered'
  /** A loss was told, and nothing can have been lost. */
  | 'told'
  /** Another epoch than before, untold, or where it should have outlived everything. */
  | 'epoch'
  /** A publisher or a reader was turned away for good, or had no answer in the end. */
  | 'refused'
  /** The server ended by itself, or did not end when it should. */
  | 'server';

export interface Fault {
  readonly kind: FaultKind;
  /** A reader, a publisher, or `server`. */
  readonly who: string;
  readonly channel?: string;
  readonly count: number;
  /** What was seen first. */
  readonly first: string;
}

/** How much the readers may be told. */
export interface Terms {
  /** The server has a data directory: nothing may be lost, told or untold. */
  readonly durable: boolean;
  /** How often the server ended: without a data directory so many losses may be told. */
  readonly ends: number;
}

/** Faults of one reader in one channel, each kind counted, with the first example. */
export function checkLog(log: ReaderLog, truth: Truth, terms: Terms): Fault[] {
  const check = new LogCheck(truth);
  for (const entry of log.entries) check.take(entry);
  check.finish(terms);
  return check.faults.list(log.reader, log.channel);
}

/** Faults of the server itself: what it acknowledged must be what it keeps, each once, at its place. */
export function checkKept({ channel, sent, acknowledged, kept }: Truth, { durable }: Terms): Fault[] {
  const faults = new Counts();
  const places = new Map<string, number>();
  for (const [index, { id, offset }] of kept.publications.entries()) {
    if (offset !== index + 1) faults.add('lost', `offset ${index + 1}, before ${offset}`);
    if (places.has(id)) faults.add('repeated', `'${id}' at ${places.get(id)} and ${offset}`);
    if (!sent.has(id)) faults.add('altered', `'${id}', which nobody published`);
    places.set(id, offset);
  }
  const newest = new Map<string, number>();
  for (const { id, epoch, offset } of acknowledged) {
    if (epoch !== kept.epoch) {
      if (durable) faults.add('epoch', `'${id}' was acknowledged in ${epoch}, and now it is ${kept.epoch}`);
      continue;
    }
    const place = places.get(id);
    if (place === undefined) faults.add('lost', `'${id}', acknowledged at ${offset}`);
    else if (place !== offset) faults.add('altered', `'${id}', acknowledged at ${offset}, is at ${place}`);
    const publisher = id.slice(0, id.indexOf(':'));
    // Publishers send one after another.
    if (offset <= (newest.get(publisher) ?? 0)) faults.add('reordered', `'${id}' at ${offset}`);
    newest.set(publisher, offset);
  }
  return faults.list('server', channel);
}

class Counts {
  readonly #found = new Map<FaultKind, { count: number; first: string }>();

  add(kind: FaultKind, first: string, count = 1): void {
    const found = this.#found.get(kind);
    if (found === undefined) this.#found.set(kind, { count, first });
    else found.count += count;
  }

  list(who: string, channel: string): Fault[] {
    return [...this.#found].map(([kind, { count, first }]) => ({ kind, who, channel, count, first }));
  }
}

/** Reads a log from its beginning; everything that is published in an epoch is expected, from 1 on. */
class LogCheck {
  readonly faults = new Counts();
  readonly #sent: ReadonlySet<string>;
  readonly #kept: Kept;
  #epoch: string | undefined;
  /** The offset that comes next. */
  #next = 1;
  /** What came in this epoch, by offset. */
  #came = new Map<number, string>();
  #ids = new Set<string>();
  /** Offsets that were passed over. */
  #missing = new Set<number>();
  #told = 0;

  constructor({ sent, kept }: Truth) {
    this.#sent = sent;
    this.#kept = kept;
  }

  take(entry: Entry): void {
    if (entry.kind === 'told') this.#takeTold(entry);
    else this.#takeMessage(entry);
  }

  /** The end of the log: what the server has then must have come, in so far as it belongs to the same life of the channel. */
  finish({ durable, ends }: Terms): void {
    const { epoch, offset, publications } = this.#kept;
    const may = durable ? 0 : ends;
    if (this.#told > may) this.faults.add('told', `told of ${this.#told} losses; at most ${may} can be`);
    if (this.#epoch !== undefined && this.#epoch !== epoch)
      this.faults.add('epoch', `stands in ${this.#epoch}, and the channel in ${epoch}`);
    for (; this.#next <= offset; this.#next++) this.#missing.add(this.#next);
    this.#giveUp();
    if (this.#epoch !== undefined && this.#epoch !== epoch) return;
    for (const { id, offset: at } of publications) {
      const came = this.#came.get(at);
      if (came !== undefined && came !== id)
        this.faults.add('altered', `'${came}' at ${at}, where '${id}' is`);
    }
  }

  #takeMessage({ id, whole, offset, epoch }: MessageEntry): void {
    const { faults } = this;
    if (epoch !== undefined && this.#epoch !== undefined && epoch !== this.#epoch)
      faults.add('epoch', `${epoch} at ${offset}, after ${this.#epoch}, untold`);
    this.#epoch = epoch ?? this.#epoch;
    if (!this.#sent.has(id)) faults.add('altered', `'${id}' at ${offset}, which nobody published`);
    else if (!whole) faults.add('altered', `'${id}' at ${offset} is not whole`);
    if (this.#ids.has(id)) faults.add('repeated', `'${id}' at ${offset}`);
    else this.#takeNew(id, offset);
  }

  #takeNew(id: string, offset: number): void {
    this.#ids.add(id);
    if (offset < this.#next) {
      this.#missing.delete(offset);
      this.faults.add('reordered', `'${id}' at ${offset}, after ${this.#next - 1}`);
    }
    for (; this.#next < offset; this.#next++) this.#missing.add(this.#next);
    this.#next = Math.max(this.#next, offset + 1);
    this.#came.set(offset, id);
  }

  #takeTold({ epoch, to = 0 }: ToldEntry): void {
    const isNew = epoch === undefined || epoch !== this.#epoch;
    // A cut before anything else came has it told again.
    if (isNew || this.#next <= to || this.#came.size > 0) this.#told += 1;
    if (isNew) {
      // Another life of the channel: what came last in the one before may be missing, what was passed over may not.
      this.#giveUp();
      this.#epoch = epoch;
      this.#next = 1;
      this.#came = new Map();
      this.#ids = new Set();
    }
    this.#next = Math.max(this.#next, to + 1);
  }

  #giveUp(): void {
    const [first] = this.#missing;
    if (first === undefined) return;
    const known = this.#kept.epoch === (this.#epoch ?? this.#kept.epoch);
    const id = known ? this.#kept.publications[first - 1]?.id : undefined;
    this.faults.add('lost', `${id === undefined ? '' : `'${id}', `}offset ${first}`, this.#missing.size);
    this.#missing = new Set();
  }
}
