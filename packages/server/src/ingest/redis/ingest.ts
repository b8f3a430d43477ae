/** Publishing by Redis: what is published there, on mapped channels, streams and lists, becomes Carillon's own publications. */
import { isoTime } from '@carillon/protocol';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Lost } from '../../core/loss.ts';
import type { Publisher } from '../../core/publisher.ts';
import { Channels } from './channels.ts';
import { Door, type Way } from './door.ts';
import { Finder } from './finder.ts';
import { Line } from './line.ts';
import { List, processingKey } from './list.ts';
import { Mapping } from './mapping.ts';
import type { KeyRule, RedisOptions } from './options.ts';
import { whereabouts } from './probe.ts';
import { Streams } from './streams.ts';

/** What ingest asks of the node. */
export interface IngestNode extends Publisher {
  /** Tells the subscribers of these channels, before anything that is published from now on, that something may have been lost; how many there were. */
  tellLoss(lost: Lost): number | Promise<number>;
}

export interface RedisIngestOptions {
  readonly redis: RedisOptions;
  readonly node: IngestNode;
  readonly maxPayloadBytes: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** How it stands, for `info` and metrics. */
export interface RedisIngestFigures {
  /** Whether all that is mapped is in force. */
  readonly connected: boolean;
  /** Since when, in milliseconds since the Unix epoch. */
  readonly since: number;
  /** Published so far, by way. */
  readonly received: Readonly<Record<Way, number>>;
  /** What could not be published, and never could. */
  readonly refused: number;
  /** How often subscribers had to be told that publications may be missing. */
  readonly losses: number;
}

/** Redis is required, and cannot be used. */
export class RedisUnavailable extends Error {
  readonly code = 'ERR_REDIS_UNAVAILABLE';
}

/** Begins to listen. @throws {RedisUnavailable} where Redis is required; otherwise it is tried on. */
export async function startRedisIngest(options: RedisIngestOptions): Promise<RedisIngest> {
  const { redis } = options;
  const ingest = new RedisIngest(options);
  const fault = await ingest.start();
  if (fault === undefined || !redis.required) return ingest;
  await ingest.close();
  throw new RedisUnavailable(
    `ingest.redis: Redis (${whereabouts(redis)}) cannot be used: ${fault}; it is required.`,
  );
}

/** How long a start waits for Redis before it goes on without. */
const startMs = 5_000;

export class RedisIngest {
  readonly #options: RedisIngestOptions;
  readonly #door: Door;
  readonly #mapping: Mapping;
  readonly #finder: Finder;
  readonly #lines: readonly Line[];
  #losses = 0;

  constructor(options: RedisIngestOptions) {
    const { redis, node, maxPayloadBytes, clock, log } = options;
    this.#options = options;
    this.#door = new Door({ publisher: node, maxPayloadBytes, clock, log });
    this.#mapping = new Mapping(redis.channels);
    this.#finder = new Finder(redis);
    this.#lines = [...this.#channelLine(), ...this.#streamLines(), ...this.#listLines()];
  }

  /**
   * Resolves when everything is in force (undefined), or with the reason why it is not yet; it is tried on until `close`.
   */
  start(): Promise<string | undefined> {
    const { clock } = this.#options;
    const tried = Promise.all(this.#lines.map((line) => line.start()));
    return new Promise((resolve) => {
      const late = `it did not answer within ${startMs / 1_000} s`;
      const cancel = clock.after(startMs, () => resolve(late));
      void tried.then((faults) => {
        cancel();
        resolve(faults.find((fault) => fault !== undefined));
      });
    });
  }

  /** How it stands now. */
  figures(): RedisIngestFigures {
    const lines = this.#lines;
    return {
      connected: lines.every(({ isUp }) => isUp),
      since: Math.round(Math.max(...lines.map(({ changedAt }) => changedAt))),
      received: this.#door.received,
      refused: this.#door.refused,
      losses: this.#losses,
    };
  }

  /** The same, as `info` tells it. */
  info(): object {
    const { since, received, ...rest } = this.figures();
    const { channel, stream, list } = received;
    return {
      ...rest,
      since: isoTime(since),
      received: channel + stream + list,
    };
  }

  /** Ends the connections, after what is being published. */
  async close(): Promise<void> {
    await Promise.all(this.#lines.map((line) => line.close()));
  }

  #channelLine(): Line[] {
    const { redis, clock, log } = this.#options;
    if (redis.channels.length === 0) return [];
    const channels = new Channels({
      mapping: this.#mapping,
      door: this.#door,
      lost: (channels) => void this.#tellLoss({ channels }),
      clock,
    });
    return [
      this.#line('channels', channels.work.bind(channels), undefined, async (downMs) => {
        const told = await this.#tellLoss({ patterns: this.#mapping.targets });
        log.warn('publications of Redis may have been lost while there was no connection', {
          downMs: Math.round(downMs),
          subscribersTold: told,
        });
      }),
    ];
  }

  /** One connection for all streams; in a Cluster one for each, since a command cannot name keys of several nodes. */
  #streamLines(): Line[] {
    const { redis, clock } = this.#options;
    const { where, consumer, streams } = redis;
    if (streams === undefined || streams.keys.length === 0) return [];
    const { group, keys } = streams;
    const shares: readonly (readonly KeyRule[])[] =
      where.kind === 'cluster' ? keys.map((rule) => [rule]) : [keys];
    return shares.map((share) => {
      const reader = new Streams({ keys: share, group, consumer, door: this.#door, clock });
      return this.#line('streams', reader.work.bind(reader), share[0]?.key);
    });
  }

  /** One connection for each list: a blocking move names one. */
  #listLines(): Line[] {
    const { where, consumer, lists } = this.#options.redis;
    return (lists?.keys ?? []).map((rule) => {
      const processing = processingKey(rule.key, consumer, where.kind === 'cluster');
      const list = new List({ rule, take: lists?.take ?? 'left', processing, door: this.#door });
      return this.#line(`list ${rule.key}`, list.work.bind(list), rule.key);
    });
  }

  #line(
    name: string,
    work: ConstructorParameters<typeof Line>[0]['work'],
    key?: string,
    backUp: (downMs: number) => unknown = () => undefined,
  ): Line {
    const { clock, log } = this.#options;
    return new Line({ name, open: (signal) => this.#finder.open(signal, key), work, backUp, clock, log });
  }

  /** Undefined where it is not known how many were told. */
  async #tellLoss(lost: Lost): Promise<number | undefined> {
    this.#losses += 1;
    try {
      return await this.#options.node.tellLoss(lost);
    } catch (error) {
      this.#options.log.error('not all subscribers could be told of a loss', { error });
      return undefined;
    }
  }
}
