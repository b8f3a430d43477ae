/** A connection without a socket: the other side takes as much as a test lets it, and everything is counted. */
import type { Disconnect } from '@carillon/protocol';
import type { Connection, ConnectionListener } from '../core/connection.ts';
import type { Wire } from '../core/wire.ts';

/** Bytes wait in two places, as with a socket: up to `capacity` on the way, the rest with the sender, pending. */
export class FakeConnection implements Connection {
  readonly wire: Wire;
  /** Bytes that are on the way at most, unread by the other side. */
  capacity: number;
  /** What would have been system calls: writes outside a cork, and corks that gathered something. */
  writes = 0;
  /** The most bytes that were ever pending. */
  mostPending = 0;
  isPaused = false;
  /** Why the server ended it. */
  ended: Disconnect | undefined;
  #listener: ConnectionListener | undefined;
  #isOver = false;
  #onTheWay: Buffer[] = [];
  #onTheWayBytes = 0;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #corked: Buffer[] | undefined;
  #inbox: (string | Buffer)[] = [];

  constructor(wire: Wire, capacity = Number.POSITIVE_INFINITY) {
    this.wire = wire;
    this.capacity = capacity;
  }

  /** Bytes that the other side could read now. */
  get readable(): number {
    return this.#onTheWayBytes;
  }

  /** Bytes that do not even fit on the way. */
  get pending(): number {
    return this.#pendingBytes;
  }

  listen(listener: ConnectionListener): void {
    this.#listener = listener;
    this.#deliver();
  }

  write(bytes: Buffer): boolean {
    if (this.#isOver || this.ended !== undefined) return true;
    if (this.#corked !== undefined) {
      this.#corked.push(bytes);
      return true;
    }
    this.writes += 1;
    this.#accept(bytes);
    return this.#pendingBytes === 0;
  }

  cork(): void {
    this.#corked ??= [];
  }

  uncork(): boolean {
    const gathered = this.#corked ?? [];
    this.#corked = undefined;
    if (gathered.length > 0) this.writes += 1;
    for (const bytes of gathered) this.#accept(bytes);
    return this.#pendingBytes === 0;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    queueMicrotask(() => this.#deliver());
  }

  close(reason: Disconnect): void {
    if (this.ended !== undefined || this.#isOver) return;
    this.uncork();
    this.ended = reason;
    queueMicrotask(() => this.#over());
  }

  /** The client sends something; it is handed over unless the server does not read. */
  send(message: string | Buffer): void {
    this.#inbox.push(message);
    this.#deliver();
  }

  /** The other side takes up to `bytes`, which makes room for what was pending. */
  read(bytes: number = Number.POSITIVE_INFINITY): Buffer {
    this.#movePending();
    const taken: Buffer[] = [];
    let left = bytes;
    for (let first = this.#onTheWay[0]; first !== undefined && left > 0; first = this.#onTheWay[0]) {
      const part = first.length <= left ? first : first.subarray(0, left);
      if (part === first) this.#onTheWay.shift();
      else this.#onTheWay[0] = first.subarray(left);
      taken.push(part);
      left -= part.length;
      this.#onTheWayBytes -= part.length;
    }
    this.#movePending();
    return Buffer.concat(taken);
  }

  /** The connection breaks: what was not read is lost. `end`: what a close frame said. */
  cut(end?: Partial<Disconnect>): void {
    this.#onTheWay = [];
    this.#onTheWayBytes = 0;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#over(end);
  }

  #accept(bytes: Buffer): void {
    const room = Math.max(0, this.capacity - this.#onTheWayBytes);
    const fits = this.#pendingBytes > 0 ? 0 : Math.min(room, bytes.length);
    if (fits > 0) this.#onTheWay.push(bytes.subarray(0, fits));
    this.#onTheWayBytes += fits;
    if (fits === bytes.length) return;
    this.#pending.push(bytes.subarray(fits));
    this.#pendingBytes += bytes.length - fits;
    this.mostPending = Math.max(this.mostPending, this.#pendingBytes);
  }

  #movePending(): void {
    if (this.#pendingBytes === 0) return;
    const waiting = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    const most = this.mostPending;
    for (const bytes of waiting) this.#accept(bytes);
    this.mostPending = most;
    if (this.#pendingBytes === 0 && this.ended === undefined) this.#listener?.drained();
  }

  #deliver(): void {
    while (!this.isPaused && !this.#isOver && this.ended === undefined && this.#listener !== undefined) {
      const message = this.#inbox.shift();
      if (message === undefined) return;
      if (typeof message === 'string') this.#listener.received(message);
      else this.#listener.receivedBytes(message);
    }
  }

  #over(end?: Partial<Disconnect>): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener?.closed(end);
  }
}
