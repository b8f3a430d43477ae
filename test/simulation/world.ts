/** One seeded world: a real node in virtual time, a broker with moods, readers and publishers that do what the seed says. */
import { limits } from '../../packages/protocol/src/index.ts';
import type { Exclusion } from '../../packages/server/src/core/broker.ts';
import type { Rule } from '../../packages/server/src/core/rules.ts';
import { CoreHost, memoryBroker } from '../../packages/server/src/testing/core-host.ts';
import { VirtualClock } from '../../packages/server/src/testing/virtual-clock.ts';
import { pick, type Random, random } from '../support/random.ts';
import { type Kind, Reader } from './reader.ts';
import { SlowBroker } from './slow-broker.ts';
import { Truth } from './truth.ts';

/** What a world is like; all of it drawn from the seed. */
interface Climate {
  readonly delayMs: number;
  readonly answersOvertake: boolean;
  readonly breaks: boolean;
  readonly restarts: boolean;
  /** Characters that publications are padded with, at most. */
  readonly padding: number;
  readonly laneLogBytes: number;
  readonly historySize: number;
  readonly historyTtlMs: number;
  readonly historyBytes: number;
  readonly readers: number;
}

const steps = 250;
const users = ['ann', 'bob', 'cat'];

/** What happened in a world, to see that worlds are worth anything. */
export interface Tally {
  published: number;
  gaps: number;
  rereads: number;
  received: number;
  cutForSlowness: number;
}

export class World {
  readonly tally: Tally = { published: 0, gaps: 0, rereads: 0, received: 0, cutForSlowness: 0 };
  readonly #draw: Random;
  readonly climate: Climate;
  readonly #clock = new VirtualClock();
  readonly #truth = new Truth();
  readonly #channels: readonly string[];
  readonly #broker: SlowBroker;
  readonly #host: CoreHost;
  readonly #readers: Reader[] = [];
  readonly #faults: unknown[] = [];
  #session = '';
  #sessions = 0;

  constructor(seed: number) {
    this.#draw = random(seed);
    this.climate = drawClimate(this.#draw);
    const numbered = 1 + this.#draw(3);
    this.#channels = [...Array(numbered).keys()].map((index) => `h:${index}`).concat('n:0', 'user:ann');
    this.#broker = this.#makeBroker();
    this.#host = this.#makeHost();
    for (let reader = 0; reader < this.climate.readers; reader++) this.#readers.push(this.#makeReader());
  }

  /** Runs the world to its end. Throws what was found wrong. */
  async run(): Promise<void> {
    await this.#host.node.start();
    for (const reader of this.#readers) reader.connect();
    for (let step = 0; step < steps; step++) {
      for (const reader of this.#readers) if (this.#draw(12) === 0) reader.connect();
      for (let act = this.#draw(4); act >= 0; act--) this.#act();
      await this.#pass(this.#draw(2) === 0 ? 0 : this.#draw(8));
    }
    await this.#calmDown();
    this.#checkEnd();
  }

  #act(): void {
    const reader = pick(this.#draw, this.#readers);
    const choice = this.#draw(100);
    if (choice < 55) this.#publish();
    else if (choice < 63) this.#publishRepeated();
    else if (choice < 68) this.#publishFrom(reader);
    else if (choice < 76) reader.cut();
    else if (choice < 80) reader.comeBackAtOnce();
    else if (choice < 88) reader.pace = pick(this.#draw, ['fast', 'fast', 'slow', 'stalled'] as const);
    else if (choice < 94) reader.toggle();
    else if (choice < 97) this.#disturb();
    else if (choice < 98) void this.#host.node.removeHistory(this.#anyChannel());
  }

  #disturb(): void {
    const { breaks, restarts } = this.climate;
    const choice = this.#draw(3);
    if (breaks && choice === 0) this.#broker.break();
    else if (restarts && choice === 1) this.#broker.restart();
    else this.#broker.mend();
  }

  #publish(): void {
    const count = 1 + this.#draw(this.#draw(10) === 0 ? 40 : 3);
    const channel = this.#anyChannel();
    for (let published = 0; published < count; published++) this.#publishOne(channel);
  }

  #publishOne(channel: string): void {
    const exclude = this.#draw(6) === 0 ? this.#exclusion() : undefined;
    this.#host.node
      .publish(channel, this.#data(channel), exclude && { exclude })
      .catch((error: unknown) => this.#refused(error));
  }

  /** The same publication twice, as a publisher does that got no answer. */
  #publishRepeated(): void {
    const channel = this.#anyChannel();
    const data = this.#data(channel);
    const request = { idempotencyKey: `key ${this.tally.published}` };
    const times = this.climate.restarts || this.climate.historyBytes < limits.memoryHistoryBytes ? 1 : 2;
    const answers = [...Array(times)].map(() => this.#host.node.publish(channel, data, request));
    Promise.all(answers).then(
      ([first, second = first]) => {
        if (JSON.stringify(first) !== JSON.stringify(second))
          this.#faults.push(new Error(`${data} was answered twice, and differently`));
      },
      (error: unknown) => this.#refused(error),
    );
  }

  #publishFrom(reader: Reader): void {
    const channel = this.#anyChannel();
    reader.publish(channel, this.#data(channel));
  }

  #refused(error: unknown): void {
    const isRestarting = this.climate.restarts && String(error).includes('not available');
    if (!isRestarting) this.#faults.push(error);
  }

  #exclusion(): Exclusion {
    const { sessions } = pick(this.#draw, this.#readers);
    if (this.#draw(4) === 0 || sessions.length === 0) return { users: [pick(this.#draw, users)] };
    // The session before the last one, too: its client may be back already.
    return { sessions: [sessions.at(this.#draw(3) === 0 ? -2 : -1) ?? 'nobody'] };
  }

  #data(channel: string): string {
    this.tally.published += 1;
    const padding = this.#draw(this.climate.padding + 1);
    return JSON.stringify({ name: this.#truth.newName(channel), pad: 'x'.repeat(padding) });
  }

  async #pass(ms: number): Promise<void> {
    await this.#clock.elapse(ms);
    await this.#look();
    for (const reader of this.#readers) {
      const { pace } = reader;
      if (pace === 'fast') reader.read(Number.POSITIVE_INFINITY);
      else if (pace === 'slow') reader.read(this.#draw(200 + this.climate.padding));
    }
    // A busy node may wait a millisecond before it writes; until then it keeps everything.
    if (ms > 1) this.#checkBounds();
    if (this.#faults.length > 0) throw this.#faults[0];
  }

  /** Sees what history still has, which is what readers' losses are judged by. */
  async #look(): Promise<void> {
    for (const channel of this.#channels) {
      const { epoch, oldest } = await this.#broker.inner.history(channel, { limit: 0 });
      this.#truth.kept(channel, epoch, oldest);
    }
  }

  #checkBounds(): void {
    const { laneLogBytes } = this.#host.node.figures();
    const lanes = this.#channels.length * 4;
    const most = lanes * this.climate.laneLogBytes;
    if (laneLogBytes > most)
      throw new Error(`lanes keep ${laneLogBytes} bytes; at most ${most} were allowed`);
    for (const { mostPending } of this.#readers) {
      const allowed = limits.joinedWriteBytes + 100_000;
      if (mostPending > allowed) throw new Error(`${mostPending} bytes pending; at most ${allowed} expected`);
    }
  }

  /** The weather clears: everybody comes back and reads, until nothing moves any more. */
  async #calmDown(): Promise<void> {
    this.#broker.mend();
    for (const reader of this.#readers) {
      reader.pace = 'fast';
      reader.wantAll();
    }
    await this.#until(() => this.#readers.every(({ isSettled }) => isSettled), 'settled');
    // Twice: the first brings everybody in step, the second finds them there.
    for (let round = 0; round < 2; round++) {
      for (const channel of this.#channels)
        await this.#within(this.#host.node.publish(channel, this.#data(channel)));
      await this.#until(() => this.#readers.every(({ isSettled }) => isSettled), 'settled again');
    }
  }

  async #within(publishing: Promise<unknown>): Promise<void> {
    await this.#clock.elapse(this.climate.delayMs * 4 + 2);
    await publishing;
  }

  async #until(isDone: () => boolean, what: string): Promise<void> {
    let quiet = 0;
    for (let round = 0; quiet < 3; round++) {
      if (round > 3_000) throw new Error(`the readers never came to be ${what}`);
      for (const reader of this.#readers) reader.connect();
      await this.#clock.elapse(this.climate.delayMs * 4 + 2);
      await this.#look();
      let isMoving = false;
      for (const reader of this.#readers) {
        if (reader.read(Number.POSITIVE_INFINITY)) isMoving = true;
      }
      quiet = isMoving || !isDone() ? 0 : quiet + 1;
    }
  }

  #checkEnd(): void {
    for (const reader of this.#readers) reader.finish();
    const { node, errors } = this.#host;
    const { laneLogBytes, sessions, counters } = node.figures();
    // Who is given cursors is never in step with others, so its lane is cut with the next publication only.
    const isShared = this.#readers.every(({ kind }) => kind !== 'cursor');
    if (isShared && laneLogBytes !== 0)
      throw new Error(`everybody is in step, but lanes keep ${laneLogBytes} bytes`);
    if (sessions !== this.#readers.length) throw new Error(`${sessions} sessions are left`);
    if (errors.length > 0) throw new Error(`logged: ${errors.join('; ')}`);
    this.tally.gaps = counters.gaps;
    this.tally.rereads = counters.rereads;
    for (const { cutForSlowness, received } of this.#readers) {
      this.tally.cutForSlowness += cutForSlowness;
      this.tally.received += received;
    }
    for (const reader of this.#readers) reader.cut();
    const { sessions: left, users: leftUsers, channels, subscriptions } = node.figures();
    if (left + leftUsers + channels + subscriptions > 0)
      throw new Error(`outlived the readers: ${left} ${leftUsers} ${channels} ${subscriptions}`);
  }

  #anyChannel(): string {
    return pick(this.#draw, this.#channels);
  }

  #makeBroker(): SlowBroker {
    const { delayMs, answersOvertake, historyBytes } = this.climate;
    return new SlowBroker({
      clock: this.#clock,
      draw: this.#draw,
      truth: this.#truth,
      make: () => memoryBroker(this.#clock, historyBytes),
      delayMs,
      answersOvertake,
    });
  }

  #makeHost(): CoreHost {
    const { historySize: size, historyTtlMs: ttlMs, laneLogBytes } = this.climate;
    const anyone = { subscribe: 'anyone', publish: 'anyone', readHistory: 'anyone' } as const;
    const retention = { size, ttlMs };
    const rules: Rule[] = [
      { pattern: 'h:*', ...anyone, retention },
      { pattern: 'n:*', ...anyone },
      { pattern: 'user:{uid}', ...anyone, subscribe: 'owner', retention },
    ];
    const options = {
      rules,
      broker: this.#broker,
      laneLogBytes,
      authenticate: (token: string) => Promise.resolve({ user: token }),
      newSessionId: (): string => {
        this.#sessions += 1;
        this.#session = `s${this.#sessions}`;
        return this.#session;
      },
    };
    return new CoreHost(options, this.#clock);
  }

  #makeReader(): Reader {
    const draw = this.#draw;
    const user = draw(3) === 0 ? undefined : pick(draw, users);
    const own = this.#channels.filter((name) => draw(3) > 0 && !name.startsWith('user:'));
    const channels = own.length === 0 ? ['h:0'] : own;
    return new Reader({
      kind: pick<Kind>(draw, ['native', 'native', 'native', 'raw', 'bare', 'cursor']),
      user,
      channels: user === 'ann' ? [...channels, 'user:ann'] : channels,
      capacity: (1 + draw(12)) * (100 + this.climate.padding) * pick(draw, [1, 1, 20]),
      node: this.#host.node,
      truth: this.#truth,
      draw,
      lastSession: () => this.#session,
      keepsHistory: (channel) => !channel.startsWith('n:'),
    });
  }
}

function drawClimate(draw: Random): Climate {
  const isBig = draw(8) === 0;
  return {
    delayMs: draw(5) < 2 ? 0 : 1 + draw(20),
    answersOvertake: draw(2) === 0,
    breaks: draw(3) === 0,
    restarts: draw(4) === 0,
    padding: isBig ? 30_000 : pick(draw, [0, 50, 400]),
    laneLogBytes: pick(draw, [0, 300, 3_000, 1_048_576]),
    historySize: 1 + draw(draw(2) === 0 ? 8 : 120),
    historyTtlMs: pick(draw, [30, 300, 60_000]),
    historyBytes: draw(4) === 0 ? 20_000 : limits.memoryHistoryBytes,
    readers: 2 + draw(8),
  };
}
