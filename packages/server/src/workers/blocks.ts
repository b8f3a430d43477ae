/** Blocks across workers: the primary has the list, and each worker a copy that it asks about whoever comes. */
import type { Block, BlockStore, BlockSubject } from '../core/blocks.ts';
import { Blocks } from '../core/blocks.ts';
import type { Clock } from '../core/clock.ts';
import { Expiries } from '../core/expiries.ts';
import type { Log } from '../core/log.ts';
import {
  type BlockPage,
  type BlockRequest,
  type Enforcement,
  Revocation,
  type Revoking,
} from '../core/revocation.ts';
import type { Calls, Remote } from '../link/calls.ts';
import type { Everywhere, LinkedWorker, Relay } from './relay.ts';
import { followed, Replicas } from './replicas.ts';
import { sum } from './spread.ts';

/** Both ends offer their part under this name. */
const name = 'blocks';

/** What workers ask of the primary. */
interface Master extends Omit<Revoking, 'start'> {
  /** The worker is told everything from its first call on: call until it answers false. */
  follow(): boolean;
}

/** What the primary tells workers, and asks of them. */
interface Replica extends Pick<Enforcement, 'blocked'> {
  put(blocks: readonly Block[]): void;
  remove(subject: BlockSubject): void;
  /** Answered when everything that was told before is in force. */
  settled(): void;
}

/** A worker's part. */
export class LinkedRevocation implements Revoking {
  readonly #calls: Calls;
  readonly #master: Remote<Master>;
  readonly #blocks: Blocks;
  readonly #enforcement: Enforcement;

  /** `blocks`: this worker's copy. `enforcement`: what becomes of its own sessions. */
  constructor(calls: Calls, blocks: Blocks, enforcement: Enforcement) {
    this.#calls = calls;
    this.#master = calls.remote<Master>(name);
    this.#blocks = blocks;
    this.#enforcement = enforcement;
  }

  async start(): Promise<void> {
    const blocks = this.#blocks;
    const replica: Replica = {
      put: (told) => {
        for (const block of told) blocks.put(block);
      },
      remove: (subject) => blocks.delete(subject),
      blocked: (block) => this.#enforcement.blocked(block),
      settled: () => {},
    };
    this.#calls.offer(name, replica, ['put', 'remove', 'blocked', 'settled']);
    await followed(() => this.#master.follow());
  }

  block(subject: BlockSubject, request: BlockRequest = {}): Promise<number> {
    return this.#master.block(subject, request);
  }

  unblock(subject: BlockSubject): Promise<void> {
    return this.#master.unblock(subject);
  }

  list(query: Parameters<Revoking['list']>[0]): Promise<BlockPage> {
    return this.#master.list(query);
  }
}

export interface SharedBlocksContext {
  readonly relay: Pick<Relay, 'all'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: a restart forgets all blocks. */
  readonly store?: BlockStore | undefined;
}

/** The primary's part. */
export class SharedBlocks implements Enforcement {
  readonly #everywhere: Everywhere<Replica>;
  readonly #blocks: Blocks;
  readonly #revocation: Revocation;
  readonly #replicas = new Replicas<Replica>(name);

  constructor({ relay, clock, log, store }: SharedBlocksContext) {
    this.#everywhere = relay.all<Replica>(name);
    this.#blocks = new Blocks(clock, new Expiries(clock));
    this.#revocation = new Revocation({ blocks: this.#blocks, enforcement: this, clock, log, store });
  }

  start(): Promise<void> {
    return this.#revocation.start();
  }

  begun(worker: LinkedWorker): void {
    const revocation = this.#revocation;
    const master: Master = {
      follow: this.#replicas.following(worker, this.#blocks.all(), (replica, part) => replica.put(part)),
      block: revocation.block.bind(revocation),
      unblock: revocation.unblock.bind(revocation),
      list: revocation.list.bind(revocation),
    };
    worker.calls.offer(name, master, ['follow', 'block', 'unblock', 'list']);
  }

  gone(worker: number): void {
    this.#replicas.remove(worker);
  }

  /** Nobody comes in anywhere before the sessions of all workers are counted. */
  async blocked(block: Block): Promise<number> {
    for (const replica of this.#replicas) replica.put([block]);
    return sum(await this.#everywhere.blocked(block));
  }

  async unblocked(subject: BlockSubject): Promise<void> {
    for (const replica of this.#replicas) replica.remove(subject);
    await this.#everywhere.settled();
  }
}
