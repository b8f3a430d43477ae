/** The subscribers of a run: opened a bounded number at a time, every frame of one in fifty checked, the rest counted. */
import { Checker, type Counts, KnownFrames, noCounts } from './checker.ts';
import type { Histogram } from './histogram.ts';
import { descriptorLimit } from './process-figures.ts';
import { SseSubscriber } from './sse-subscriber.ts';
import { type Audience, type Member, Subscriber } from './subscriber.ts';
import { BenchError, type Target } from './target.ts';

/** One subscriber in so many has every frame checked. */
const checkedShare = 50;
/** Handshakes under way at a time; far below any listen backlog. */
export const opening = 128;
/** A source address has about 28,000 ports; once half of them are taken the kernel searches long for a free one. */
const connectionsPerAddress = 10_000;
/** Descriptors that the process needs beside its connections. */
const otherDescriptors = 100;

/** What subscribers listen on; the default is the native protocol over WebSocket. */
export type Transport = 'websocket' | 'sse';

export interface CrowdOptions {
  readonly transport?: Transport | undefined;
  readonly connections: number;
  readonly channelOf: (index: number) => string;
  readonly opened?: (connections: number) => void;
}

export class Crowd implements Audience {
  readonly subscribers: Member[] = [];
  readonly counts: Counts = noCounts();
  readonly known: KnownFrames | undefined;
  frames = 0;
  frameBytes = 0;
  latency: Histogram | undefined;
  arrived: ((from: number, to: number) => void) | undefined;
  closeReason: string | undefined;
  readonly #target: Target;

  /** `shared`: all subscribers are in one channel, so their frames are the same, byte for byte. */
  constructor(target: Target, shared: boolean) {
    this.#target = target;
    this.known = shared ? new KnownFrames() : undefined;
  }

  /** Opens all connections and subscribes each; every subscription is in force when it resolves. */
  async open(options: CrowdOptions): Promise<void> {
    checkDescriptors(options.connections);
    let [next, opened] = [0, 0];
    const openSome = async () => {
      while (next < options.connections) {
        const index = next++;
        await this.#openOne(index, options);
        opened += 1;
        options.opened?.(opened);
      }
    };
    await Promise.all(Array.from({ length: opening }, openSome));
  }

  /**
   * Waits until as many publications arrived as were owed, or none for 3 s (at most 60 s), then adds to the counts
   * what is missing or too many on each subscriber.
   */
  async settle(owed: (index: number) => number): Promise<void> {
    let expected = 0;
    for (const { index } of this.subscribers) expected += owed(index);
    let [before, quiet] = [-1, 0];
    for (let round = 0; round < 1200 && this.frames < expected && quiet < 60; round++) {
      quiet = this.frames === before ? quiet + 1 : 0;
      before = this.frames;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const whole = this.subscribers.find(({ index, frames }) => frames === owed(index));
    for (const subscriber of this.subscribers) {
      const excess = subscriber.frames - owed(subscriber.index);
      if (excess < 0) this.counts.missing -= excess;
      else if (excess > 0 && !subscriber.checked) this.counts.duplicate += excess;
      else if (excess === 0 && this.known !== undefined && subscriber.bytes !== whole?.bytes)
        this.counts.unexpected += 1;
    }
  }

  close(): void {
    for (const subscriber of this.subscribers) subscriber.close();
  }

  async #openOne(index: number, { transport, channelOf }: CrowdOptions): Promise<void> {
    const checker = index % checkedShare === 0 ? new Checker(this.counts) : undefined;
    const Kind = transport === 'sse' ? SseSubscriber : Subscriber;
    const subscriber = new Kind(this, index, channelOf(index), checker);
    this.subscribers.push(subscriber);
    await subscriber.open(this.#target, sourceAddress(this.#target, index));
  }
}

/** Where connection number `index` comes from; undefined leaves it to the system. */
export function sourceAddress(target: Target, index: number): string | undefined {
  if (!target.host.startsWith('127.') || index < connectionsPerAddress) return undefined;
  return `127.0.0.${1 + Math.floor(index / connectionsPerAddress)}`;
}

/** Throws BenchError 64 when this process may not open as many connections. */
export function checkDescriptors(connections: number): void {
  const limit = descriptorLimit();
  if (limit === undefined || connections + otherDescriptors <= limit) return;
  throw new BenchError(
    `${connections} connections need more file descriptors than the ${limit} this process may open: raise \`ulimit -n\` or ask for at most ${limit - otherDescriptors}.`,
    64,
  );
}
