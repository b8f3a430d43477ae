/** One seeded world of several processes: workers that serve, readers that come and go between them, and everything that may break. */
import { createHash } from 'node:crypto';
import { MemoryBroker } from '../../../packages/server/src/brokers/memory/broker.ts';
import type { Broker, BrokerSink, Exclusion, Publication } from '../../../packages/server/src/core/broker.ts';
import { Rules } from '../../../packages/server/src/core/rules.ts';
import { VirtualClock } from '../../../packages/server/src/testing/virtual-clock.ts';
import { pick, type Random, random } from '../../support/random.ts';
import { type Kind, Reader } from '../reader.ts';
import { Truth } from '../truth.ts';
import { type Climate, drawClimate } from './climate.ts';
import { Cluster, type Worker } from './cluster.ts';
import { type Disk, LogBroker, type LogFault } from './log-broker.ts';
import { Publishers } from './publishers.ts';
import type { SimProcess } from './sim-process.ts';
import { emptyTally } from './tally.ts';

const steps = 110;
const users = ['ann', 'bob', 'cat'];

/** A reader, and the worker that its connection is at. */
interface Seat {
  readonly reader: Reader;
  worker: Worker | undefined;
}

export class World {
  readonly climate: Climate;
  readonly tally = emptyTally();
  readonly #draw: Random;
  readonly #clock = new VirtualClock();
  readonly #truth = new Truth();
  readonly #trace = createHash('sha256');
  readonly #channels: readonly string[];
  readonly #disk: Disk = new Map();
  readonly #cluster: Cluster;
  readonly #publishers: Publishers;
  readonly #seats: Seat[] = [];
  readonly #errors: string[] = [];
  readonly #fault: LogFault | undefined;
  #epochs = 0;

  constructor(seed: number, fault?: LogFault) {
    this.#draw = random(seed);
    this.#fault = fault;
    this.climate = drawClimate(this.#draw, fault !== undefined);
    const numbered = 1 + this.#draw(3);
    this.#channels = [...Array(numbered).keys()].map((index) => `h:${index}`).concat('n:0');
    this.#cluster = this.#makeCluster();
    this.#publishers = new Publishers({
      cluster: this.#cluster,
      truth: this.#truth,
      clock: this.#clock,
      tally: this.tally,
      isKept: this.climate.hasLog,
      note: (text) => this.#note(text),
    });
    for (let reader = 0; reader < this.climate.readers; reader++) this.#seats.push(this.#makeSeat());
  }

  /** Runs the world to its end. Throws what was found wrong. Returns what is the same only where the same happened. */
  async run(): Promise<string> {
    this.#cluster.start();
    await this.#pass(20);
    for (let step = 0; step < steps; step++) {
      for (const seat of this.#seats) if (this.#draw(3) === 0) this.#connect(seat);
      for (let act = this.#draw(4); act >= 0; act--) this.#act();
      await this.#pass(this.#draw(2) === 0 ? 0 : this.#draw(10));
    }
    await this.#calmDown();
    this.#checkEnd();
    await this.#checkNothingIsLeft();
    return this.#trace.digest('hex');
  }

  #act(): void {
    const seat = pick(this.#draw, this.#seats);
    const choice = this.#draw(100);
    if (choice < 60) this.#publish();
    else if (choice < 66) this.#publishFrom(seat);
    else if (choice < 73) seat.reader.cut();
    else if (choice < 84) seat.reader.pace = pick(this.#draw, ['fast', 'fast', 'slow', 'stalled'] as const);
    else if (choice < 89) this.#ifReachable(seat, () => seat.reader.toggle());
    else this.#disturb();
  }

  #disturb(): void {
    const { kills, pauses, deaths } = this.climate;
    // At any moment of what is under way, not only between two steps.
    const moment = (act: () => void): void => void this.#clock.after(this.#draw(12), act);
    const choice = this.#draw(10);
    if (choice < 3 && kills) moment(() => this.#killWorker());
    else if (choice < 4 && kills) moment(() => this.#replaceWorker());
    else if (choice < 5 && kills) moment(() => this.#killPrimary());
    else if (choice < 8 && pauses) moment(() => this.#pause());
    else if (choice < 9 && deaths)
      moment(() => (this.#cluster.primary?.broker as LogBroker | undefined)?.die());
  }

  #killWorker(): void {
    const workers = [...this.#cluster.workers];
    if (workers.length === 0) return;
    this.tally.workersKilled += 1;
    this.#cluster.kill(pick(this.#draw, workers));
  }

  #replaceWorker(): void {
    const workers = this.#cluster.serving.filter(({ primary }) => primary === this.#cluster.primary);
    if (workers.length === 0) return;
    this.tally.workersReplaced += 1;
    this.#cluster.replace(pick(this.#draw, workers));
  }

  #killPrimary(): void {
    if (this.#cluster.primary === undefined || this.#draw(2) === 0) return;
    this.tally.primariesKilled += 1;
    if (this.#draw(3) === 0) this.#cluster.killAll();
    else this.#cluster.killPrimary();
  }

  #pause(): void {
    const workers = [...this.#cluster.workers].map(({ process }) => process);
    const { primary } = this.#cluster;
    const processes = this.#draw(6) === 0 && primary !== undefined ? [primary.process] : workers;
    if (processes.length === 0) return;
    this.tally.pauses += 1;
    this.#cluster.pause(pick(this.#draw, processes), 5 + this.#draw(150));
  }

  #publish(): void {
    const workers = this.#cluster.serving;
    if (workers.length === 0) return;
    const count = 1 + this.#draw(this.#draw(10) === 0 ? 30 : 3);
    const channel = pick(this.#draw, this.#channels);
    const worker = pick(this.#draw, workers);
    for (let published = 0; published < count; published++) {
      const exclude = this.#draw(6) === 0 ? this.#exclusion() : undefined;
      const data = this.#data(channel);
      if (this.#draw(4) === 0 && channel.startsWith('h:')) this.#publishers.insist(worker, channel, data);
      else this.#publishers.publish(worker, channel, data, exclude);
    }
  }

  #publishFrom(seat: Seat): void {
    const channel = pick(this.#draw, this.#channels);
    this.#ifReachable(seat, () => seat.reader.publish(channel, this.#data(channel)));
  }

  /** Does something of a reader that reaches into its worker, unless that is stopped. */
  #ifReachable({ worker }: Seat, act: () => void): void {
    if (worker?.process.isRunning === true) act();
  }

  #exclusion(): Exclusion {
    const { sessions } = pick(this.#draw, this.#seats).reader;
    if (this.#draw(4) === 0 || sessions.length === 0) return { users: [pick(this.#draw, users)] };
    return { sessions: [sessions.at(this.#draw(3) === 0 ? -2 : -1) ?? 'nobody'] };
  }

  #data(channel: string): string {
    this.tally.published += 1;
    const padding = this.#draw(this.climate.padding + 1);
    return JSON.stringify({ name: this.#truth.newName(channel), pad: 'x'.repeat(padding) });
  }

  #connect(seat: Seat): void {
    if (seat.reader.isConnected || this.#cluster.serving.length === 0) return;
    seat.reader.connect();
  }

  async #pass(ms: number): Promise<void> {
    await this.#clock.elapse(ms);
    await this.#look();
    for (const seat of this.#seats) {
      const { reader } = seat;
      if (reader.pace === 'fast') this.#ifReachable(seat, () => reader.read(Number.POSITIVE_INFINITY));
      else if (reader.pace === 'slow')
        this.#ifReachable(seat, () => reader.read(this.#draw(200 + this.climate.padding)));
    }
    // Some do as they are told, the others are closed.
    for (const { reader } of this.#seats) if (reader.isToldToGo && this.#draw(4) === 0) reader.cut();
    this.#note(`${this.#clock.now()} ${this.#seats.map(({ reader }) => reader.received).join()}`);
    this.#publishers.check();
  }

  /** Sees what history still has, which is what readers' losses are judged by. */
  async #look(): Promise<void> {
    const broker = this.#cluster.primary?.broker;
    for (const channel of this.#channels) {
      if (!channel.startsWith('h:')) continue;
      if (broker instanceof MemoryBroker) {
        const { epoch, oldest } = await broker.history(channel, { limit: 0 });
        this.#truth.kept(channel, epoch, oldest);
        continue;
      }
      const stream = this.#disk.get(channel);
      if (stream !== undefined) this.#truth.kept(channel, stream.epoch, stream.oldest);
    }
  }

  /** The weather clears: everybody comes back and reads, until nothing moves any more. */
  async #calmDown(): Promise<void> {
    await this.#until(() => this.#cluster.isWhole, 'served');
    for (const { reader } of this.#seats) {
      reader.pace = 'fast';
      reader.wantAll();
    }
    const isSettled = (): boolean => this.#seats.every(({ reader }) => reader.isSettled);
    await this.#until(isSettled, 'settled');
    // Twice: the first brings everybody in step, the second finds them there.
    for (let round = 0; round < 2; round++) {
      for (const channel of this.#channels) {
        const worker = pick(this.#draw, this.#cluster.serving);
        this.#publishers.publish(worker, channel, this.#data(channel));
      }
      await this.#until(isSettled, 'settled again');
    }
    await this.#until(() => this.#publishers.isDone, 'answered');
  }

  async #until(isDone: () => boolean, what: string): Promise<void> {
    let quiet = 0;
    for (let round = 0; quiet < 3; round++) {
      if (round > 2_000) throw new Error(`the world never came to be ${what}`);
      this.#cluster.resume();
      for (const seat of this.#seats) this.#connect(seat);
      await this.#clock.elapse(this.climate.delayMs * 8 + 12);
      await this.#look();
      let isMoving = false;
      for (const seat of this.#seats) {
        this.#ifReachable(seat, () => {
          if (seat.reader.read(Number.POSITIVE_INFINITY)) isMoving = true;
        });
      }
      this.#publishers.check();
      quiet = isMoving || !isDone() || !this.#cluster.isQuiet ? 0 : quiet + 1;
    }
  }

  #checkEnd(): void {
    for (const { reader } of this.#seats) reader.finish();
    this.#publishers.finish(this.#channels);
    if (this.#errors.length > 0) throw new Error(`logged: ${this.#errors.join('; ')}`);
    const sessions = this.#sum((worker) => worker.node.figures().sessions);
    if (sessions !== this.#seats.length) throw new Error(`${sessions} sessions are left`);
    this.tally.gaps += this.#sum((worker) => worker.node.figures().counters.gaps);
    for (const { reader } of this.#seats) this.tally.received += reader.received;
  }

  async #checkNothingIsLeft(): Promise<void> {
    for (const { reader } of this.#seats) reader.cut();
    await this.#clock.elapse(this.climate.delayMs * 20 + 100);
    const left = this.#sum((worker) => {
      const { sessions, users: names, channels, subscriptions } = worker.node.figures();
      return sessions + names + channels + subscriptions;
    });
    if (left > 0) throw new Error(`${left} sessions, users, channels and subscriptions outlived the readers`);
    const broker = this.#cluster.primary?.broker;
    const held =
      broker instanceof LogBroker
        ? [...broker.subscribed]
        : ((await broker?.channels({ pattern: 'n:*', limit: 10 })) ?? []);
    if (held.length > 0) throw new Error(`the primary still hands on ${held.length} channels`);
  }

  #sum(count: (worker: Worker) => number): number {
    return [...this.#cluster.workers].reduce((sum, worker) => sum + count(worker), 0);
  }

  #note(text: string): void {
    this.#trace.update(`${text}\n`);
  }

  #makeCluster(): Cluster {
    const { workers: count, historySize: size, historyTtlMs: ttlMs } = this.climate;
    const anyone = { subscribe: 'anyone', publish: 'anyone', readHistory: 'anyone' } as const;
    const rules = new Rules([
      { pattern: 'h:*', ...anyone, retention: { size, ttlMs } },
      { pattern: 'n:*', ...anyone },
    ]);
    const { laneLogBytes, bounds, delayMs, pieceBytes, capacity } = this.climate;
    const [clock, draw] = [this.#clock, this.#draw];
    const arrived = (bytes: number): void => this.#note(`${clock.now()} +${bytes}`);
    return new Cluster({
      ...{ clock, draw, count, rules, laneLogBytes, bounds },
      weather: { clock, draw, delayMs, pieceBytes, capacity, arrived },
      restartMs: 60,
      makeBroker: (process) => this.#makeBroker(process),
      died: (worker) => this.#died(worker),
      error: (message) => this.#logged(message),
      note: (text) => this.#note(`${clock.now()} ${text}`),
    });
  }

  #makeBroker(process: SimProcess): Broker {
    const newEpoch = (): string => `epoch-${++this.#epochs}`;
    const add = (channel: string, publication: Publication, epoch: string): void =>
      this.#numbered(channel, publication, epoch);
    if (this.climate.hasLog) {
      const { logStepMs: stepMs } = this.climate;
      const [disk, draw, fault] = [this.#disk, this.#draw, this.#fault];
      return new LogBroker({ disk, clock: process, draw, stepMs, newEpoch, committed: add, fault });
    }
    return new WitnessedBroker({ clock: process, newEpoch }, add);
  }

  #numbered(channel: string, { data, offset, exclude }: Publication, epoch: string): void {
    const { name } = JSON.parse(data) as { readonly name: string };
    this.#note(`${name} ${epoch} ${offset}`);
    this.#truth.add(channel, name, epoch, offset, exclude);
  }

  #logged(message: string): void {
    // The log was gone for a moment, and whoever read it has been closed.
    if (!this.climate.deaths || !message.includes('history could not be read')) this.#errors.push(message);
  }

  #died(worker: Worker): void {
    this.tally.gaps += worker.node.figures().counters.gaps;
    for (const seat of this.#seats) {
      if (seat.worker !== worker) continue;
      seat.worker = undefined;
      seat.reader.lose();
    }
    this.#publishers.died(worker);
  }

  #makeSeat(): Seat {
    const draw = this.#draw;
    const own = this.#channels.filter(() => draw(3) > 0);
    const cluster = this.#cluster;
    const options = {
      kind: pick<Kind>(draw, ['native', 'native', 'native', 'raw', 'bare', 'cursor']),
      user: draw(3) === 0 ? undefined : pick(draw, users),
      channels: own.length === 0 ? ['h:0'] : own,
      capacity: (1 + draw(12)) * (100 + this.climate.padding) * pick(draw, [1, 1, 20]),
      truth: this.#truth,
      draw,
      lastSession: () => cluster.lastSession,
      keepsHistory: (channel: string) => !channel.startsWith('n:'),
      isRefusedAtTimes: this.climate.deaths,
      // Its worker was replaced; or could not read history, where the log was gone for a moment.
      endings: this.climate.deaths ? [3001, 3010] : [3001],
      /** Whichever worker the system gives the connection to. */
      get node() {
        const worker = pick(draw, cluster.serving);
        seat.worker = worker;
        return worker.node;
      },
    };
    const seat: Seat = { reader: new Reader(options), worker: undefined };
    return seat;
  }
}

type Numbered = (channel: string, publication: Publication, epoch: string) => void;

/** A memory broker that says what it numbers before it hands it on. */
class WitnessedBroker extends MemoryBroker {
  readonly #add: Numbered;

  constructor(options: ConstructorParameters<typeof MemoryBroker>[0], add: Numbered) {
    super(options);
    this.#add = add;
  }

  override start(sink: BrokerSink): Promise<void> {
    return super.start({
      publications: (channel, batch, epoch) => {
        for (const publication of batch) this.#add(channel, publication, epoch);
        sink.publications(channel, batch, epoch);
      },
      gap: (channel) => sink.gap(channel),
    });
  }
}
