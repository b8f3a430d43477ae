/** Where the people of a simulated world connect: one node, or several workers with a primary. */
import { LinkBroker } from '../../packages/server/src/brokers/link/broker.ts';
import { LinkHost } from '../../packages/server/src/brokers/link/host.ts';
import { type Counters, createCounters } from '../../packages/server/src/core/figures.ts';
import {
  Lifecycle,
  type LifecycleEvents,
  type LifecycleName,
  type LifecycleSink,
} from '../../packages/server/src/core/lifecycle.ts';
import { Rules } from '../../packages/server/src/core/rules.ts';
import { linkedBooks, SharedAttendance } from '../../packages/server/src/server/attendance.ts';
import { CoreHost, type CoreHostOptions, memoryBroker } from '../../packages/server/src/testing/core-host.ts';
import { type Linked, linked, settled } from '../../packages/server/src/testing/linked.ts';
import { RememberingLog } from '../../packages/server/src/testing/remembering-log.ts';
import { VirtualClock } from '../../packages/server/src/testing/virtual-clock.ts';
import { sessionIdOf } from '../../packages/server/src/workers/session-ids.ts';

export interface PlaceOptions extends Pick<CoreHostOptions, 'laneLogBytes' | 'authenticate'> {
  readonly rules: NonNullable<CoreHostOptions['rules']>;
  readonly graceMs: number;
}

type Counted = Pick<Counters, 'presenceEvents' | 'gaps'>;

export interface Place {
  readonly clock: VirtualClock;
  /** So many there are for the world, each of which may be killed. */
  readonly workers: number;
  /** Whoever connected last. */
  readonly lastSession: string;
  /** What hooks and webhooks heard, with the time. */
  readonly heard: readonly string[];
  start(): Promise<void>;
  host(worker: number): CoreHost;
  /** It hears and says nothing from now on. */
  kill(worker: number): void;
  /** Another one in the place of one that was killed. */
  replace(worker: number): Promise<void>;
  settle(): Promise<void>;
  counted(): Counted;
}

/** Writes down what it is told: `1000000 userOnline ann`. */
class Listener implements LifecycleSink {
  readonly heard: string[] = [];
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  wants(name: LifecycleName): boolean {
    return name !== 'connect' && name !== 'disconnect';
  }

  tell<Name extends LifecycleName>(name: Name, event: LifecycleEvents[Name]): void {
    this.heard.push(`${this.#clock.now()} ${name} ${Object.values(event).join(' ')}`);
  }
}

/** One node, whose world is told of as many workers as it likes. */
export class LonePlace implements Place {
  readonly clock = new VirtualClock();
  readonly workers: number;
  readonly #listener = new Listener(this.clock);
  readonly #host: CoreHost;
  #sessions = 0;

  constructor(options: PlaceOptions, workers = 1) {
    this.workers = workers;
    const newSessionId = (): string => `s${++this.#sessions}`;
    this.#host = new CoreHost({ ...options, newSessionId, lifecycle: [this.#listener] }, this.clock);
  }

  get lastSession(): string {
    return `s${this.#sessions}`;
  }

  get heard(): readonly string[] {
    return this.#listener.heard;
  }

  start(): Promise<void> {
    return this.#host.node.start();
  }

  host(): CoreHost {
    return this.#host;
  }

  /** The world cuts the connections itself. */
  kill(): void {}

  async replace(): Promise<void> {}

  settle(): Promise<void> {
    return this.#host.settle();
  }

  counted(): Counted {
    return this.#host.node.figures().counters;
  }
}

interface Worker {
  readonly id: number;
  readonly link: Linked;
  readonly host: CoreHost;
}

/** Workers over links, and a primary that has what they share. */
export class LinkedPlace implements Place {
  readonly clock = new VirtualClock();
  readonly workers: number;
  /** Faults of the links that were no refusals. */
  readonly faults: string[] = [];
  readonly attendance: SharedAttendance;
  lastSession = '';
  /** How many workers were killed. */
  deaths = 0;
  readonly #listener = new Listener(this.clock);
  readonly #options: PlaceOptions;
  readonly #primary = new LinkHost({
    broker: memoryBroker(this.clock),
    clock: this.clock,
    log: new RememberingLog(),
  });
  readonly #counters = createCounters();
  #workers: Worker[] = [];
  #lastId = 0;
  #sessions = 0;
  #gaps = 0;

  constructor(options: PlaceOptions, workers: number) {
    this.#options = options;
    this.workers = workers;
    this.attendance = new SharedAttendance({
      graceMs: options.graceMs,
      host: this.#primary,
      rules: new Rules(options.rules),
      lifecycle: new Lifecycle([this.#listener]),
      counters: this.#counters,
      clock: this.clock,
    });
  }

  get heard(): readonly string[] {
    return this.#listener.heard;
  }

  async start(): Promise<void> {
    await this.#primary.start();
    this.#workers = await Promise.all(Array.from({ length: this.workers }, () => this.#begin()));
  }

  host(worker: number): CoreHost {
    const found = this.#workers[worker];
    if (found === undefined) throw new Error(`no worker ${worker}`);
    return found.host;
  }

  kill(worker: number): void {
    this.#gaps += this.host(worker).node.figures().counters.gaps;
    this.#workers[worker]?.link.cut();
    this.deaths += 1;
  }

  async replace(worker: number): Promise<void> {
    this.#workers[worker] = await this.#begin();
  }

  /** What crosses links needs no time of the clock. */
  async settle(): Promise<void> {
    for (let ms = 0; ms < 2; ms++) {
      await settled(8);
      await this.clock.elapse(1);
    }
  }

  counted(): Counted {
    const gaps = this.#workers.reduce((sum, { host }) => sum + host.node.figures().counters.gaps, this.#gaps);
    return { presenceEvents: this.#counters.presenceEvents, gaps };
  }

  async #begin(): Promise<Worker> {
    const id = ++this.#lastId;
    const link = linked(this.faults);
    const { primary, worker } = link;
    this.#primary.accept(primary.stream, id);
    this.attendance.begun({ id, calls: primary.calls });
    primary.stream.onEnded(() => this.attendance.gone(id));
    const newSessionId = (): string => {
      this.lastSession = sessionIdOf(id, `s${++this.#sessions}`);
      return this.lastSession;
    };
    const broker = new LinkBroker(worker.stream);
    const options = { ...this.#options, broker, books: linkedBooks(worker.calls), newSessionId };
    const host = new CoreHost(options, this.clock);
    await host.node.start();
    return { id, link, host };
  }
}
