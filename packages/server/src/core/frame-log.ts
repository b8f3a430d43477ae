/** The finished frames of one lane that somebody may still have to be given: a bounded, numbered list shared by all who read it. */
import type { Exclusion } from './broker.ts';

interface Entry {
  readonly frame: Buffer;
  /** 0 where the channel keeps no history, and of a notice, which is no publication. */
  readonly offset: number;
  /** The newest offset up to this frame. */
  readonly top: number;
  readonly exclude: Exclusion | undefined;
}

/** Someone who reads at a pace of its own. */
export interface FrameReader {
  /** The newest offset it has; frames up to it are skipped. */
  readonly offset: number;
  isExcluded(exclude: Exclusion): boolean;
  /** Something follows each frame for this reader alone. */
  readonly isStamped: boolean;
  suffix(offset: number): Buffer | undefined;
}

/** Frames joined for one write, and the number of the first frame behind them. */
export interface Joined {
  readonly bytes: Buffer;
  readonly next: number;
}

const nothing = Buffer.alloc(0);

/** Frames are numbered from 0 in the order of `append`; the numbers are the lane's own and say nothing of offsets. */
export class FrameLog {
  #entries: Entry[] = [];
  #base = 0;
  #bytes = 0;
  #floor: number;
  #lostBefore = 0;
  #cached: (Joined & { readonly from: number; readonly to: number }) | undefined;

  /** `floor`: the newest offset that was handed on before this log began. */
  constructor(floor: number) {
    this.#floor = floor;
  }

  /** The number of the oldest frame that is still here. */
  get base(): number {
    return this.#base;
  }

  /** The number that the next frame will get. */
  get end(): number {
    return this.#base + this.#entries.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The newest offset that was handed on and is no longer here: who has it can go on from this log. */
  get floor(): number {
    return this.#floor;
  }

  /** Whoever stands before this number has missed a frame without an offset, which no history brings back. */
  get lostBefore(): number {
    return this.#lostBefore;
  }

  append(frame: Buffer, offset: number, exclude: Exclusion | undefined): void {
    const top = offset === 0 ? this.offsetBefore(this.end) : offset;
    this.#entries.push({ frame, offset, top, exclude });
    this.#bytes += frame.length;
  }

  /** Forgets everything, offsets too: what comes next may not follow on what was here, or be of another epoch. */
  cut(): void {
    this.trim(this.end);
    this.#floor = 0;
  }

  /** Forgets the frames before `number`. */
  trim(number: number): void {
    const count = Math.min(number - this.#base, this.#entries.length);
    if (count <= 0) return;
    for (const { frame, offset, top } of this.#entries.splice(0, count)) {
      this.#base += 1;
      this.#bytes -= frame.length;
      this.#floor = top;
      if (offset === 0) this.#lostBefore = this.#base;
    }
    this.#cached = undefined;
  }

  /** Past either bound, forgets the oldest frames before `limit` until a quarter of the bound is free again. */
  bound(limit: number, frames: number, bytes: number): void {
    if (this.#entries.length <= frames && this.#bytes <= bytes) return;
    let [count, left] = [0, this.#bytes];
    while (
      this.#base + count < limit &&
      (this.#entries.length - count > frames * 0.75 || left > bytes * 0.75)
    ) {
      left -= this.#entries[count]?.frame.length ?? 0;
      count += 1;
    }
    this.trim(this.#base + count);
  }

  /** The newest offset before frame `number`. */
  offsetBefore(number: number): number {
    return this.#entries[number - this.#base - 1]?.top ?? this.#floor;
  }

  /** The number of the first frame from `from` on that the reader needs; `end` when there is none. */
  nextFor(reader: Pick<FrameReader, 'offset' | 'isExcluded'>, from: number): number {
    for (let number = Math.max(from, this.#base); number < this.end; number++) {
      const entry = this.#entries[number - this.#base];
      if (entry !== undefined && !isSkipped(entry, reader)) return number;
    }
    return this.end;
  }

  /** The exclusions of the frames from `from` on. */
  *exclusions(from: number): Generator<Exclusion> {
    for (const { exclude } of this.#entries.slice(from - this.#base))
      if (exclude !== undefined) yield exclude;
  }

  /**
   * Joins the frames from `from` up to, not including, `to`, stopping before `maxBytes` but never before the first. Readers that
   * ask for the same frames share the same bytes.
   */
  join(from: number, to: number, maxBytes: number, reader?: FrameReader): Joined {
    if (reader !== undefined && (reader.isStamped || this.#concerns(from, to, reader))) {
      return this.#collect(from, to, maxBytes, reader);
    }
    if (this.#cached?.from === from && this.#cached.to === to) return this.#cached;
    const joined = this.#collect(from, to, maxBytes);
    this.#cached = { ...joined, from, to };
    return joined;
  }

  /** Some frame of the range is not for the reader. */
  #concerns(from: number, to: number, reader: FrameReader): boolean {
    for (let index = from - this.#base; index < to - this.#base; index++) {
      const entry = this.#entries[index];
      if (entry !== undefined && isSkipped(entry, reader)) return true;
    }
    return false;
  }

  #collect(from: number, to: number, maxBytes: number, reader?: FrameReader): Joined {
    const frames: Buffer[] = [];
    let bytes = 0;
    let number = from;
    for (; number < to; number++) {
      const entry = this.#entries[number - this.#base];
      if (entry === undefined || (reader !== undefined && isSkipped(entry, reader))) continue;
      if (frames.length > 0 && bytes + entry.frame.length > maxBytes) break;
      const suffix = reader?.suffix(entry.offset);
      frames.push(entry.frame, ...(suffix === undefined ? [] : [suffix]));
      bytes += entry.frame.length + (suffix?.length ?? 0);
    }
    const [only] = frames;
    const joined = frames.length === 1 && only !== undefined ? only : Buffer.concat(frames, bytes);
    return { bytes: frames.length === 0 ? nothing : joined, next: number };
  }
}

function isSkipped({ offset, exclude }: Entry, reader: Pick<FrameReader, 'offset' | 'isExcluded'>): boolean {
  if (offset !== 0 && offset <= reader.offset) return true;
  return exclude !== undefined && reader.isExcluded(exclude);
}
