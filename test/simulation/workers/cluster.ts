/** A primary and its workers as simulated processes, with the real parts in them, and what may happen to those. */
import { LinkBroker } from '../../../packages/server/src/brokers/link/broker.ts';
import { LinkHost } from '../../../packages/server/src/brokers/link/host.ts';
import type { LinkBounds } from '../../../packages/server/src/brokers/link/worker-link.ts';
import type { Broker, BrokerSink } from '../../../packages/server/src/core/broker.ts';
import type { Clock } from '../../../packages/server/src/core/clock.ts';
import { Node } from '../../../packages/server/src/core/node.ts';
import type { Rules } from '../../../packages/server/src/core/rules.ts';
import { FrameStream } from '../../../packages/server/src/link/frames.ts';
import { sessionIdOf, sessionOrders } from '../../../packages/server/src/workers/session-ids.ts';
import type { Random } from '../../support/random.ts';
import { type LinkWeather, type SimEnd, simLink } from './sim-link.ts';
import { SimProcess } from './sim-process.ts';

export interface Primary {
  readonly process: SimProcess;
  readonly broker: Broker;
  readonly host: LinkHost;
}

interface LinkEnd {
  readonly end: SimEnd;
  readonly stream: FrameStream;
}

export interface Worker {
  readonly id: number;
  readonly process: SimProcess;
  readonly node: Node;
  /** The link, as it has it, and as the primary has it. */
  readonly own: LinkEnd;
  readonly atPrimary: LinkEnd;
  readonly primary: Primary;
  isServing: boolean;
  /** Another one is in its place already. */
  isReplaced: boolean;
}

export interface ClusterOptions {
  readonly clock: Clock;
  readonly draw: Random;
  readonly count: number;
  readonly rules: Rules;
  readonly laneLogBytes: number;
  readonly bounds: LinkBounds;
  readonly weather: LinkWeather;
  /** How long until a process is started again, at most. */
  readonly restartMs: number;
  readonly makeBroker: (process: SimProcess) => Broker;
  /** A worker is dead, and with it every connection that it had. */
  readonly died: (worker: Worker) => void;
  readonly error: (message: string) => void;
  readonly note: (text: string) => void;
}

export class Cluster {
  primary: Primary | undefined;
  readonly workers = new Set<Worker>();
  /** The session id that was given out last. */
  lastSession = '';
  readonly #options: ClusterOptions;
  #ids = 0;
  #sessions = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  /** Workers that serve, and are not stopped. */
  get serving(): Worker[] {
    return [...this.workers].filter(({ isServing, process }) => isServing && process.isRunning);
  }

  /** Everything that should run does. */
  get isWhole(): boolean {
    const { primary } = this;
    if (primary === undefined || !primary.process.isRunning) return false;
    const own = this.serving.filter((worker) => worker.primary === primary);
    return own.length === this.#options.count && own.length === this.workers.size;
  }

  /** Nothing is on its way between the processes. */
  get isQuiet(): boolean {
    return [...this.workers].every(
      ({ own, atPrimary }) => own.stream.waitingBytes + atPrimary.stream.waitingBytes === 0,
    );
  }

  start(): void {
    const { clock, bounds, makeBroker, error, count, note } = this.#options;
    const process = new SimProcess(clock);
    const broker = makeBroker(process);
    const silent = (): void => {};
    const log = { debug: silent, info: silent, warn: silent, error };
    const host = new LinkHost({ broker, clock: process, log, bounds });
    const primary = { process, broker, host };
    this.primary = primary;
    note('primary');
    void host.start();
    for (let number = 0; number < count; number++) this.#spawn(primary);
  }

  kill(worker: Worker): void {
    this.#end(worker);
    this.#later(() => {
      if (worker.primary === this.primary && !worker.isReplaced) this.#spawn(worker.primary);
    });
  }

  /** Another one begins, and this one closes its connections, and ends. */
  replace(worker: Worker): void {
    const { node, primary } = worker;
    this.#options.note(`replace ${worker.id}`);
    worker.isServing = false;
    worker.isReplaced = true;
    this.#spawn(primary);
    const end = async (): Promise<void> => {
      await node.drain(this.#options.restartMs);
      await node.close();
      this.#end(worker);
    };
    void end();
  }

  /** Its workers end when they hear of it. */
  killPrimary(): void {
    const { primary } = this;
    if (primary === undefined) return;
    this.#options.note('kill primary');
    this.primary = undefined;
    primary.process.kill();
    for (const worker of this.workers) if (worker.primary === primary) worker.atPrimary.end.destroy();
    void primary.broker.close();
    this.#later(() => this.start());
  }

  killAll(): void {
    for (const worker of [...this.workers]) this.#end(worker);
    this.killPrimary();
  }

  pause(process: SimProcess, ms: number): void {
    this.#options.note(`pause ${ms}`);
    process.pause();
    this.#options.clock.after(ms, () => process.resume());
  }

  /** Whatever is stopped goes on. */
  resume(): void {
    for (const { process } of this.workers) process.resume();
    this.primary?.process.resume();
  }

  #later(task: () => void): void {
    const { clock, draw, restartMs } = this.#options;
    clock.after(draw(restartMs + 1), task);
  }

  #spawn(primary: Primary): void {
    const { clock, weather, note } = this.#options;
    this.#ids += 1;
    const id = this.#ids;
    const process = new SimProcess(clock);
    const [near, far] = simLink(primary.process, process, weather);
    const atPrimary = { end: near, stream: new FrameStream(near, { later: primary.process.later }) };
    primary.host.accept(atPrimary.stream);
    const own = { end: far, stream: new FrameStream(far, { later: process.later }) };
    const node = this.#node(id, process, own.stream);
    const worker: Worker = {
      ...{ id, process, node, own, atPrimary, primary },
      isServing: false,
      isReplaced: false,
    };
    this.workers.add(worker);
    own.stream.onEnded(() => this.#end(worker));
    note(`worker ${id}`);
    void node.start().then(() => {
      worker.isServing = process.isAlive;
    });
  }

  #end(worker: Worker): void {
    if (!this.workers.delete(worker)) return;
    this.#options.note(`end ${worker.id}`);
    worker.process.kill();
    worker.own.end.destroy();
    this.#options.died(worker);
  }

  #node(id: number, process: SimProcess, stream: FrameStream): Node {
    const { rules, laneLogBytes, error, draw } = this.#options;
    const silent = (): void => {};
    return new Node({
      broker: new CrowdedBroker(stream, process, draw),
      rules,
      authenticator: { admitsAnonymous: true, authenticate: (token) => Promise.resolve({ user: token }) },
      clock: process,
      log: {
        ...{ debug: silent, info: silent, warn: silent },
        error: (message) => {
          if (process.isAlive) error(`worker ${id}: ${message}`);
        },
      },
      newSessionId: () => {
        this.#sessions += 1;
        this.lastSession = sessionIdOf(id, `s${this.#sessions}`);
        return this.lastSession;
      },
      newSessionOrder: sessionOrders(id, process),
      channelsPerConnection: 128,
      laneLogBytes,
    });
  }
}

/** A worker's broker whose hub has no room for a while, now and then. */
class CrowdedBroker extends LinkBroker {
  readonly #process: SimProcess;
  readonly #draw: Random;

  constructor(stream: FrameStream, process: SimProcess, draw: Random) {
    super(stream);
    this.#process = process;
    this.#draw = draw;
  }

  override start(sink: BrokerSink): Promise<void> {
    return super.start({
      publications: (channel, batch, epoch) => sink.publications(channel, batch, epoch),
      gap: (channel) => sink.gap(channel),
      room: () => this.#room(),
    });
  }

  #room(): Promise<void> | undefined {
    if (this.#draw(25) > 0) return undefined;
    return new Promise((resolve) => void this.#process.after(this.#draw(20), resolve));
  }
}
