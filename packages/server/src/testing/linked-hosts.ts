/** Nodes that are one server: workers at links to a primary, all in one process and in virtual time. */
import { LinkBroker } from '../brokers/link/broker.ts';
import { LinkHost } from '../brokers/link/host.ts';
import type { Broker } from '../core/broker.ts';
import { createCounters } from '../core/figures.ts';
import type { Keep } from '../core/keep.ts';
import { Lifecycle, type LifecycleSink } from '../core/lifecycle.ts';
import { type Rule, Rules } from '../core/rules.ts';
import { createStores } from '../core/stores.ts';
import type { Shared } from '../server/shared.ts';
import { linkedState, sharedState } from '../server/shared-state.ts';
import { LinkedGroups, SharedGroups } from '../workers/groups.ts';
import { sessionOrders } from '../workers/session-ids.ts';
import { CoreHost, type CoreHostOptions, memoryBroker, testRules } from './core-host.ts';
import { LinkedWorkers, settled, type TestWorker } from './linked.ts';
import { RememberingLog } from './remembering-log.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface LinkedHostsOptions extends Pick<CoreHostOptions, 'authenticate'> {
  readonly rules?: readonly Rule[];
  readonly keep?: Keep;
  readonly broker?: Broker;
  readonly lifecycle?: readonly LifecycleSink[];
  readonly clock?: VirtualClock;
}

/** A worker's node. */
export class LinkedHost extends CoreHost {
  readonly worker: TestWorker;

  constructor(worker: TestWorker, options: CoreHostOptions, clock: VirtualClock) {
    super(options, clock);
    this.worker = worker;
  }

  /** What crosses links has done so, too. */
  override async settle(): Promise<void> {
    for (let round = 0; round < 2; round++) {
      await settled();
      await super.settle();
    }
  }
}

/** The primary. */
export class LinkedHosts {
  readonly clock: VirtualClock;
  readonly workers: LinkedWorkers;
  readonly counters = createCounters();
  readonly #options: LinkedHostsOptions;
  readonly #host: LinkHost;
  readonly #stores: { load(): Promise<void> };
  readonly #shared: Shared[] = [];

  constructor(options: LinkedHostsOptions = {}) {
    const { clock = new VirtualClock(), keep, lifecycle = [], rules = testRules } = options;
    const { broker = memoryBroker(clock) } = options;
    this.clock = clock;
    this.#options = options;
    const log = new RememberingLog();
    const host = new LinkHost({ broker, clock, log });
    this.#host = host;
    const stores = createStores(keep, clock, this.counters);
    this.#stores = stores;
    this.workers = new LinkedWorkers({
      clock,
      shared: this.#shared,
      accept: (stream) => host.accept(stream),
    });
    const { userTags, blocks, inboxes } = sharedState({
      ...{ clock, log, broker, stores, relay: this.workers.relay, counters: this.counters },
      rules: new Rules(rules),
      lifecycle: new Lifecycle(lifecycle),
    });
    this.#shared.push(userTags, blocks, inboxes, new SharedGroups(stores.groups, clock));
  }

  /** What was kept is taken over. */
  async start(): Promise<void> {
    await this.#host.start();
    await this.#stores.load();
    for (const each of this.#shared) await each.start?.();
  }

  /** One more worker; it serves when this resolves. `newName`: of its next session. */
  async add(newName: () => string = counting()): Promise<LinkedHost> {
    const { rules = testRules, authenticate } = this.#options;
    const worker = this.workers.begin();
    const { calls, peers, stream } = worker;
    const state = linkedState(calls, peers);
    const host = new LinkedHost(
      worker,
      {
        ...state,
        stores: { ...state.stores, groups: new LinkedGroups(calls) },
        ...(authenticate !== undefined && { authenticate }),
        rules,
        broker: new LinkBroker(stream),
        newSessionId: () => worker.sessionId(newName()),
        newSessionOrder: sessionOrders(worker.id, this.clock),
      },
      this.clock,
    );
    await host.node.start();
    worker.serve();
    return host;
  }
}

function counting(): () => string {
  let last = 0;
  return () => `session-${++last}`;
}
