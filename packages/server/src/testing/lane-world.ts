/** A lane with subscribers whose connections may be full, apart from hub and sessions. */
import type { Exclusion } from '../core/broker.ts';
import { Lane, type LaneContext } from '../core/lane.ts';
import { type Subscriber, Subscription } from '../core/subscription.ts';
import { FakeConnection } from './fake-connection.ts';
import { LineWire } from './line-wire.ts';

/** A lane, the subscribers that stand in it, and a clock that ticks with every look at it. */
export class LaneWorld {
  readonly wire: LineWire;
  readonly lane: Lane;
  readonly reread: string[] = [];
  readonly members = new Map<string, Member>();
  now = 0;
  /** What every look at the clock costs. */
  tick = 0;
  #offset: number;

  constructor({
    logFrames = 4_096,
    logBytes = 1_048_576,
    offset = 0,
    wire = new LineWire(),
  }: {
    logFrames?: number;
    logBytes?: number;
    offset?: number;
    wire?: LineWire;
  } = {}) {
    this.wire = wire;
    this.#offset = offset;
    const context: LaneContext = {
      logFrames,
      logBytes,
      excluded: (_, exclude) => this.#named(exclude),
      reread: (subscription) => {
        this.reread.push(subscription.session.id);
        subscription.state = 'rereading';
      },
      delivered() {},
      now: () => {
        this.now += this.tick;
        return this.now;
      },
    };
    this.lane = new Lane('c', this.wire, 'c', { offset, epoch: undefined, cuts: 0 }, context);
  }

  /** Joins at the newest offset. */
  join(name: string, capacity?: number, epoch = 'e'): Member {
    const member = new Member(name, new FakeConnection(this.wire, capacity), this.lane);
    this.members.set(name, member);
    member.subscription.epoch = epoch;
    member.subscription.offset = epoch === '' ? 0 : this.#offset;
    this.lane.join(member.subscription);
    this.lane.attach(member.subscription);
    this.lane.readOn(member.subscription);
    return member;
  }

  publish(count = 1, exclude?: Exclusion): void {
    for (let published = 0; published < count; published++) {
      this.#offset += 1;
      this.lane.append(
        { offset: this.#offset, data: String(this.#offset), ...(exclude && { exclude }) },
        'e',
      );
    }
  }

  /** Publications of a channel without history. */
  publishPlain(data: string): void {
    this.lane.append({ offset: 0, data }, '');
  }

  sweep(deadline = Number.POSITIVE_INFINITY): boolean {
    return this.lane.sweep(deadline);
  }

  #named({ sessions = [] }: Exclusion): Subscription[] {
    return sessions.flatMap((name) => this.members.get(name)?.subscription ?? []);
  }
}

/** One subscriber, whose connection takes as much as a test lets it. */
export class Member implements Subscriber {
  readonly id: string;
  readonly user = undefined;
  readonly isAdmitted = true;
  readonly begunAt = 0;
  readonly blockedSince = 0;
  readonly connection: FakeConnection;
  readonly subscription: Subscription;
  readonly subscriptionCount = 1;
  /** How often it was told that something is missing. */
  gaps = 0;
  isBlocked = false;
  readonly #lane: Lane;

  constructor(id: string, connection: FakeConnection, lane: Lane) {
    this.id = id;
    this.connection = connection;
    this.#lane = lane;
    this.subscription = new Subscription(this, 'c', 'c', lane);
    const drained = (): void => {
      this.isBlocked = false;
      lane.readOn(this.subscription);
    };
    connection.listen({ drained, received() {}, receivedBytes() {}, closed() {} });
  }

  /** What it was given since the last time. */
  read(): string[] {
    return this.connection
      .read()
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => String((JSON.parse(line) as { readonly data: unknown }).data));
  }

  /** Everything that it can get by reading on and on. */
  readAll(): string[] {
    const all: string[] = [];
    let text = '';
    for (let bytes = this.connection.read(); bytes.length > 0; bytes = this.connection.read()) {
      text += bytes.toString();
    }
    for (const line of text.split('\n')) {
      if (line !== '') all.push(String((JSON.parse(line) as { readonly data: unknown }).data));
    }
    return all;
  }

  blocked(): void {
    this.isBlocked = true;
    this.#lane.setAside(this.subscription);
  }

  write(bytes: Buffer): void {
    if (!this.connection.write(bytes)) this.blocked();
  }

  cork(): void {}
  flushOutbox(): void {}
  push(): void {}
  hasRoom(): boolean {
    return !this.isBlocked;
  }
  writable(): Promise<void> {
    return Promise.resolve();
  }
  close(): void {}
  cursorAt(): string {
    return '';
  }
  tellGap(): void {
    this.gaps += 1;
  }
}
