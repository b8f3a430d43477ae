/** The scenario `redis`: the same publications by PUBLISH on a Redis that Carillon listens to, and by POST /v1/publish. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Crowd } from '../packages/server/src/bench/crowd.ts';
import { Histogram } from '../packages/server/src/bench/histogram.ts';
import { cpu, figure, latencies, notes, type Outcome, rate } from '../packages/server/src/bench/outcome.ts';
import { cpuSeconds, type Stretch, stopwatch } from '../packages/server/src/bench/process-figures.ts';
import type { Progress } from '../packages/server/src/bench/progress.ts';
import type { Size } from '../packages/server/src/bench/scenarios.ts';
import { BenchError, type Target } from '../packages/server/src/bench/target.ts';
import { RedisServer } from '../test/support/redis.ts';
import { requireOrSkip } from '../test/support/require-or-skip.ts';
import { type Feed, HttpFeed, type Load, RedisFeed } from './redis-feeds.ts';
import { type StartOptions, startServer } from './servers.ts';

/** How a publication takes its way in; both ways go into the same server, with the same config. */
export const ways = ['PUBLISH', 'POST'] as const;
export type Way = (typeof ways)[number];

interface Plan {
  readonly channels: number;
  readonly perSecond: number;
  readonly payload: number;
  readonly warmUpSeconds: number;
  /** The measured stretch at that rate. A way that cannot keep it takes longer for as many publications. */
  readonly seconds: number;
}

/** A stretch that takes so many times its length is given up. */
const mostTimes = 20;
const tickMs = 1;

const benchConfig = fileURLToPath(new URL('carillon.config.json', import.meta.url));

/** A Redis of its own on loopback, and the config of a Carillon that listens to it. */
export class RedisContest implements AsyncDisposable {
  readonly title: string;
  readonly #plan: Plan;
  readonly #redis: RedisServer;
  readonly #folder: string;

  private constructor(plan: Plan, redis: RedisServer) {
    this.#plan = plan;
    this.#redis = redis;
    this.#folder = mkdtempSync(join(tmpdir(), 'carillon-bench-'));
    const { channels, perSecond, payload, seconds } = plan;
    const publications = (perSecond * seconds).toLocaleString('en');
    this.title = `Redis: ${channels} channels with a subscriber each, ${publications} publications of ${payload} bytes, at most ${perSecond.toLocaleString('en')}/s`;
  }

  /** Undefined, after it said so, on a machine without redis-server. */
  static async open(size: Size): Promise<RedisContest | undefined> {
    const path = requireOrSkip('redis-server');
    return path === undefined ? undefined : new RedisContest(planOf(size), await RedisServer.start(path));
  }

  /** One round of one way, against a server of its own. */
  async run(way: Way, options: StartOptions, progress: Progress): Promise<Outcome> {
    const server = await startServer('carillon', { ...options, config: this.#config() });
    try {
      return await this.#runAgainst(server.target, way, progress);
    } finally {
      await server.stop();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#redis[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #config(): string {
    const file = join(this.#folder, 'carillon.config.json');
    const redis = { url: this.#redis.url, required: true, channels: { 'bench:*': 'bench:*' } };
    const config: object = JSON.parse(readFileSync(benchConfig, 'utf8'));
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(file, JSON.stringify({ ...config, ingest: { redis } }));
    return file;
  }

  async #runAgainst(target: Target, way: Way, progress: Progress): Promise<Outcome> {
    const { channels, payload } = this.#plan;
    const run = `${target.prefix}${Math.random().toString(16).slice(2, 8).padEnd(6, '0')}-`;
    const load: Load = { channels, payload, channelOf: (channel) => run + channel };
    const crowd = new Crowd(target, false);
    let feed: Feed | undefined;
    try {
      await crowd.open({
        connections: channels,
        channelOf: load.channelOf,
        opened: (count) => progress.update(`connecting ${count} of ${channels}`),
      });
      feed =
        way === 'POST' ? await HttpFeed.open(target, load) : await RedisFeed.open(this.#redis.port, load);
      return await this.#measure(target, crowd, feed, progress);
    } finally {
      feed?.close();
      crowd.close();
    }
  }

  async #measure(target: Target, crowd: Crowd, feed: Feed, progress: Progress): Promise<Outcome> {
    const { perSecond, seconds, warmUpSeconds } = this.#plan;
    progress.update('warming up');
    await drive(feed, crowd, perSecond, warmUpSeconds);
    progress.update(`measuring ${seconds} s`);
    const latency = new Histogram();
    crowd.latency = latency;
    const before = feed.sent;
    const redisBefore = cpuSeconds([this.#redis.pid]);
    const watch = stopwatch(target.pid);
    await drive(feed, crowd, perSecond, seconds);
    const measured = watch();
    const redisCpu = (cpuSeconds([this.#redis.pid]) ?? 0) - (redisBefore ?? 0);
    const stretch = withoutRedis(measured, redisCpu);
    const publications = feed.sent - before;
    progress.update('counting');
    await crowd.settle((channel) => feed.sentTo(channel));
    check(feed);
    const redisShare = redisBefore === undefined ? undefined : (redisCpu * 1e6) / publications;
    return {
      scenario: 'redis',
      title: this.title,
      figures: [
        rate('publications/s', publications, stretch),
        ...latencies('delivery', latency, stretch),
        ...cpu('publication', publications, stretch),
        { ...figure('redis-server CPU us/publication', redisShare, 3), compared: false },
        figure('wire bytes/delivery', crowd.frameBytes, 1),
      ],
      counts: crowd.counts,
      notes: notes(stretch, crowd.closeReason),
    };
  }
}

/** Publishes as many as the rate makes of these seconds, and waits until they arrived. */
async function drive(feed: Feed, crowd: Crowd, perSecond: number, seconds: number): Promise<void> {
  const first = feed.sent;
  const total = Math.round(perSecond * seconds);
  const started = performance.now();
  const dueAt = (n: number): number => started + ((n - first) * 1000) / perSecond;
  for (;;) {
    const passed = (performance.now() - started) / 1000;
    if (passed > seconds * mostTimes) {
      throw new BenchError(
        `Only ${feed.sent - first} of ${total} publications were sent in ${passed.toFixed(0)} s.`,
        69,
      );
    }
    feed.pump(first + Math.min(total, Math.floor(passed * perSecond)), dueAt);
    check(feed);
    if (feed.sent - first >= total && feed.answered === feed.sent) break;
    await new Promise((resolve) => setTimeout(resolve, tickMs));
  }
  // What is lost is counted afterwards; here it must only not be waited for in vain.
  for (let waited = 0; waited < 1000 && crowd.frames < feed.sent; waited++)
    await new Promise((resolve) => setTimeout(resolve, tickMs));
}

function check(feed: Feed): void {
  if (feed.failure !== undefined) throw new BenchError(`Publishing failed: ${feed.failure}.`, 69);
}

/** Redis belongs to the run, so it is none of the other processes that disturb it. */
function withoutRedis(stretch: Stretch, redisCpu: number): Stretch {
  const { othersBusy, seconds } = stretch;
  const others = othersBusy === undefined ? undefined : Math.max(0, othersBusy - redisCpu / seconds);
  return { ...stretch, othersBusy: others };
}

function planOf({ quick, connections, seconds }: Size): Plan {
  return {
    channels: connections ?? (quick ? 100 : 1000),
    perSecond: quick ? 2000 : 20_000,
    payload: 128,
    warmUpSeconds: quick ? 0.2 : 1,
    seconds: seconds ?? (quick ? 0.5 : 5),
  };
}
