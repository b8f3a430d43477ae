/** What is published by Redis, made of the settings: one connection, whatever the number of workers. */
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../core/clock.ts';
import { refuse } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Publisher } from '../core/publisher.ts';
import type { IngestNode, RedisIngest, RedisIngestFigures } from '../ingest/redis/ingest.ts';
import type { Probe } from '../ingest/redis/probe.ts';
import { offerIngest } from '../workers/ingest.ts';
import { type LossVerbs, offerLosses, tellLossEverywhere } from '../workers/losses.ts';
import type { LinkedWorker, Relay } from '../workers/relay.ts';
import type { WorkerHome } from './home.ts';
import type { Shared } from './shared.ts';

/** A lone process listens itself; in a worker it is the primary that does, and has losses told by it. */
export async function ingestOf(
  settings: Settings,
  node: Publisher & LossVerbs,
  parts: IngestParts,
  home?: WorkerHome,
): Promise<RedisIngest | undefined> {
  if (home === undefined) return startIngest(settings, node, parts);
  offerLosses(home.calls, node);
  return undefined;
}

interface IngestParts {
  readonly clock: Clock;
  readonly log: Log;
}

/** What it listens to is in force before the first client comes; where Redis is down, it is tried on. */
async function startIngest(
  { ingest: { redis }, limits }: Settings,
  node: IngestNode,
  { clock, log }: IngestParts,
): Promise<RedisIngest | undefined> {
  if (redis === undefined) return undefined;
  const { startRedisIngest } = await import('../ingest/redis/ingest.ts');
  return startRedisIngest({ redis, node, maxPayloadBytes: limits.apiBodyBytes, clock, log });
}

/** Whether the Redis that a config listens to can be used; undefined where it listens to none. Takes 2 s at most. */
export async function probeIngest({ ingest: { redis } }: Settings): Promise<Probe | undefined> {
  if (redis === undefined) return undefined;
  const { probeRedis } = await import('../ingest/redis/probe.ts');
  return probeRedis(redis);
}

export interface PrimaryIngestParts extends IngestParts {
  readonly settings: Settings;
  readonly publisher: Publisher;
  readonly relay: Relay;
}

/** The primary's: it listens whether or not there are workers, and what it hears waits for one, whose hooks are asked. */
export class PrimaryIngest implements Shared {
  readonly #parts: PrimaryIngestParts;
  readonly #gate = new Gate();
  readonly #serving = new Set<number>();
  #ingest: RedisIngest | undefined;

  constructor(parts: PrimaryIngestParts) {
    this.#parts = parts;
  }

  /** @throws {Error} with the code ERR_REDIS_UNAVAILABLE: Redis is required, and cannot be used. */
  async start(): Promise<void> {
    const { settings, publisher, relay, clock, log } = this.#parts;
    const gate = this.#gate;
    const node: IngestNode = {
      publish: async (...publication) => {
        // Those who waited go first: each of them goes on in the turn in which it opens.
        if (gate.opened !== undefined) await gate.opened;
        return publisher.publish(...publication);
      },
      tellLoss: (lost) => tellLossEverywhere(relay, lost),
    };
    this.#ingest = await startIngest(settings, node, { clock, log });
  }

  begun(worker: LinkedWorker): void {
    const report = {
      figures: () =>
        new Map<string, RedisIngestFigures>(
          this.#ingest === undefined ? [] : [['redis', this.#ingest.figures()]],
        ),
      info: () => (this.#ingest === undefined ? undefined : { redis: this.#ingest.info() }),
    };
    offerIngest(worker, report);
  }

  served({ id }: LinkedWorker): void {
    this.#serving.add(id);
    this.#gate.open();
  }

  gone(id: number): void {
    if (this.#serving.delete(id) && this.#serving.size === 0) this.#gate.close();
  }

  async close(): Promise<void> {
    this.#gate.shut();
    await this.#ingest?.close();
  }
}

/** Holds up what comes while nobody can be asked about it. */
class Gate {
  /** Undefined where nothing is held up. */
  opened: Promise<void> | undefined;
  #open: () => void = () => {};
  #shut: (reason: Error) => void = () => {};

  constructor() {
    this.close();
  }

  close(): void {
    this.opened = new Promise((resolve, reject) => {
      this.#open = resolve;
      this.#shut = reject;
    });
    // Where nothing waits for it, nothing is wrong.
    this.opened.catch(() => undefined);
  }

  open(): void {
    this.opened = undefined;
    this.#open();
  }

  /** It stays closed, and what waits is refused. */
  shut(): void {
    this.#shut(refuse('notAvailable', 'the server is closing'));
  }
}
