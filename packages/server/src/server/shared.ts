/** What a primary has for all its workers: what its parts are made of, and how each of them hears of a worker. */
import type { LinkHost } from '../brokers/link/host.ts';
import type { Settings } from '../config/settings.ts';
import type { Broker } from '../core/broker.ts';
import type { Clock } from '../core/clock.ts';
import type { Counters } from '../core/figures.ts';
import type { Keep } from '../core/keep.ts';
import type { Lifecycle } from '../core/lifecycle.ts';
import type { Log } from '../core/log.ts';
import type { Rules } from '../core/rules.ts';
import type { Stores } from '../core/stores.ts';
import type { Trail } from '../core/trail.ts';
import type { SharedHooks } from '../workers/hooks.ts';
import type { LinkedWorker, Relay } from '../workers/relay.ts';
import type { Listeners, SharedAttendance } from './attendance.ts';

/** What the parts of a primary are made of. */
export interface PrimaryParts {
  readonly settings: Settings;
  /** The one that keeps everything; workers reach it over their links. */
  readonly broker: Broker;
  /** Where small facts outlive the process; absent: nowhere. */
  readonly keep?: Keep;
  /** What is kept about users and groups, for all workers; loaded before the first of them begins. */
  readonly stores: Stores;
  /** As the workers have them; a reload changes both. */
  readonly rules: Rules;
  readonly relay: Relay;
  /** Hands publications on to the workers that have subscribers. */
  readonly host: LinkHost;
  /** Who hears of clients, channels and users. */
  readonly listeners: Listeners;
  /** The lists of members, and the count of who comes and goes. */
  readonly attendance: SharedAttendance;
  /** Of the workers, of which one is asked. */
  readonly hooks: SharedHooks;
  /** For what is decided here: to the hooks of one worker, and to webhooks. */
  readonly lifecycle: Lifecycle;
  /** Of what happens here; those of the workers are added to them. */
  readonly counters: Counters;
  /** What is remembered of publications, to explain what became of them. */
  readonly trail: Trail;
  readonly clock: Clock;
  readonly log: Log;
}

/** Something that the primary has for all workers. */
export interface Shared {
  /** Takes over what was kept, before the first worker begins. */
  start?(): Promise<void>;
  /** A worker begins: what it may ask for is offered before it asks. */
  begun(worker: LinkedWorker): void;
  /** It can be asked from now on. */
  served?(worker: LinkedWorker): void;
  /** Another config is in force, of which everything was checked. */
  configured?(settings: Settings): void;
  /** A worker is gone, and all that it had with it. */
  gone(worker: number): void;
  /** The workers are gone, and the broker is not yet. Called also where the start failed. */
  close?(): Promise<void> | void;
}
