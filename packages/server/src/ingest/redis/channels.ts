/** Pub/sub: one subscriber connection for all mapped channels, however many clients listen. */
import { isUtf8 } from 'node:buffer';
import { limits } from '@carillon/protocol';
import type { Clock } from '../../core/clock.ts';
import type { Door } from './door.ts';
import type { Link } from './link.ts';
import type { Mapping } from './mapping.ts';
import { reasonOf } from './reason.ts';

export interface ChannelsOptions {
  readonly mapping: Mapping;
  readonly door: Door;
  /** What Redis handed over could not be published in these channels: their subscribers must be told. */
  readonly lost: (channels: ReadonlySet<string>) => void;
  readonly clock: Clock;
  /** Publications that may wait for the broker. */
  readonly maxPending?: number;
}

/**
 * The broker of one process takes a publication in the turn in which Redis hands it over, so nothing waits here and what a
 * slow turn delays stays in the socket and in Redis, within its `client-output-buffer-limit pubsub`. A broker that answers
 * later makes publications wait; past {@link limits.ingestWaiting} they are told as lost.
 */
export class Channels {
  readonly #options: ChannelsOptions;
  readonly #maxPending: number;
  #pending = 0;
  #losing = new Set<string>();

  constructor(options: ChannelsOptions) {
    this.#options = options;
    this.#maxPending = options.maxPending ?? limits.ingestWaiting;
  }

  /** As {@link LineOptions.work}. */
  async work(link: Link, up: () => void, signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', link.close, { once: true });
    try {
      await subscribeAll(link, this.#options.mapping, (...heard) => this.#heard(...heard));
      up();
      await link.lost;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', link.close);
    }
  }

  #heard(by: string, payload: Buffer, channel: Buffer): void {
    const { mapping, door } = this.#options;
    if (channel.length > limits.ingestNameBytes) {
      door.refuse(
        'channel',
        by,
        `the name of the Redis channel has more than ${limits.ingestNameBytes} bytes`,
      );
      return;
    }
    const name = channel.toString();
    const decided = mapping.decide(name);
    if (decided === undefined) {
      door.refuse('channel', name, `'${by}' does not match it: what stands for a part must not be empty`);
      return;
    }
    if (decided.source !== by) return;
    if (!isUtf8(channel)) {
      door.refuse('channel', name, 'the name of the Redis channel is not UTF-8');
      return;
    }
    const { target } = decided;
    if (this.#pending >= this.#maxPending) {
      this.#loses(name, target, `${this.#pending} publications wait for the broker`);
      return;
    }
    this.#pending += 1;
    door
      .take({ way: 'channel', source: name, channel: target, bytes: payload })
      .catch((error: unknown) => this.#loses(name, target, reasonOf(error)))
      .finally(() => {
        this.#pending -= 1;
      });
  }

  /** Told once a turn for all that it lost, so that losses do not become a flood of their own. */
  #loses(source: string, channel: string, reason: string): void {
    const { door, clock, lost } = this.#options;
    door.refuse('channel', source, reason);
    this.#losing.add(channel);
    if (this.#losing.size > 1) return;
    clock.atTurnEnd(() => {
      const channels = this.#losing;
      this.#losing = new Set();
      lost(channels);
    });
  }
}

/** `by`: the source of the rule whose subscription delivered it. */
export type HeardBy = (by: string, payload: Buffer, channel: Buffer) => void;

/** Resolves when every subscription is in force. @throws {Error} what Redis has against one. */
export async function subscribeAll(link: Link, { wanted }: Mapping, heard: HeardBy): Promise<void> {
  const names = wanted.filter(({ glob }) => glob === undefined).map(({ source }) => source);
  const inForce = wanted.flatMap(({ source, glob }) =>
    glob === undefined
      ? []
      : [link.subscribePattern(glob, (payload, channel) => heard(source, payload, channel))],
  );
  if (names.length > 0)
    inForce.push(link.subscribe(names, (payload, channel) => heard(channel.toString(), payload, channel)));
  await Promise.all(inForce);
}
