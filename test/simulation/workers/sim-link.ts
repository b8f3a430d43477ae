/** A link between two simulated processes: bytes arrive late, cut at random, and wait where the other one does not read. */
import { Duplex } from 'node:stream';
import type { Clock } from '../../../packages/server/src/core/clock.ts';
import type { Random } from '../../support/random.ts';
import type { SimProcess } from './sim-process.ts';

export interface LinkWeather {
  readonly clock: Clock;
  readonly draw: Random;
  /** The most that a piece is on its way. */
  readonly delayMs: number;
  /** The most that one piece has. */
  readonly pieceBytes: number;
  /** What the system takes for a process that does not read it. */
  readonly capacity: number;
  /** Told of everything that arrives. */
  readonly arrived: (bytes: number) => void;
}

export function simLink(near: SimProcess, far: SimProcess, weather: LinkWeather): [SimEnd, SimEnd] {
  const ends: [SimEnd, SimEnd] = [new SimEnd(near, weather), new SimEnd(far, weather)];
  ends[0].join(ends[1]);
  ends[1].join(ends[0]);
  return ends;
}

export class SimEnd extends Duplex {
  readonly #process: SimProcess;
  readonly #weather: LinkWeather;
  #peer: SimEnd | undefined;
  /** Has arrived, and was not read. */
  #inbox: Buffer[] = [];
  #inboxBytes = 0;
  /** What goes on when there is room again. */
  #onRoom: (() => void) | undefined;

  constructor(process: SimProcess, weather: LinkWeather) {
    super();
    this.#process = process;
    this.#weather = weather;
  }

  join(peer: SimEnd): void {
    this.#peer = peer;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: unknown, done: (error?: Error) => void): void {
    this.#carry(chunk, done);
  }

  override _final(done: () => void): void {
    this.#hangUp();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#hangUp();
    this.#onRoom?.();
    done(error);
  }

  /** One piece after another is on its way; what has not left is lost with the process. */
  #carry(rest: Buffer, done: (error?: Error) => void): void {
    const { clock, draw, delayMs, pieceBytes, capacity } = this.#weather;
    clock.after(draw(delayMs + 1), () => {
      const peer = this.#peer;
      if (this.destroyed) return;
      if (peer === undefined || peer.destroyed) {
        this.#process.run(() => done(new Error('nobody reads')));
        return;
      }
      const room = capacity - peer.#inboxBytes;
      if (room <= 0) {
        peer.#onRoom = () => this.#carry(rest, done);
        return;
      }
      const bytes = Math.min(rest.length, room, 1 + draw(pieceBytes));
      peer.#take(rest.subarray(0, bytes));
      if (bytes === rest.length) this.#process.run(done);
      else this.#carry(rest.subarray(bytes), done);
    });
  }

  #take(piece: Buffer): void {
    this.#weather.arrived(piece.length);
    this.#inbox.push(piece);
    this.#inboxBytes += piece.length;
    this.#process.run(() => this.#deliver());
  }

  #deliver(): void {
    if (this.destroyed || this.#inboxBytes === 0) return;
    const bytes = Buffer.concat(this.#inbox);
    this.#inbox = [];
    this.#inboxBytes = 0;
    this.push(bytes);
    const onRoom = this.#onRoom;
    this.#onRoom = undefined;
    onRoom?.();
  }

  /** The other end reads what has arrived there, and then the end. */
  #hangUp(): void {
    const { clock, draw, delayMs } = this.#weather;
    const peer = this.#peer;
    this.#peer = undefined;
    if (peer === undefined) return;
    clock.after(draw(delayMs + 1), () =>
      peer.#process.run(() => {
        peer.#deliver();
        if (!peer.destroyed) peer.push(null);
      }),
    );
  }
}
