/** One seeded inbox: a user with some devices that come, go, read slowly and acknowledge, while messages come and grow old. */
import type { Rule } from '../../packages/server/src/core/rules.ts';
import { CoreHost, type TestClient } from '../../packages/server/src/testing/core-host.ts';
import { LineWire } from '../../packages/server/src/testing/line-wire.ts';
import { VirtualClock } from '../../packages/server/src/testing/virtual-clock.ts';
import { pick, type Random, random } from '../support/random.ts';

const channel = 'user:ann';
const steps = 150;

/** What happened, to see that the worlds are worth anything. */
export interface InboxTally {
  pushed: number;
  received: number;
  replayed: number;
  acknowledged: number;
  /** Acknowledgements whose connection broke before the answer. */
  uncertain: number;
  gaps: number;
  toldByOthers: number;
}

interface Message {
  readonly offset: number;
  readonly at: number;
}

/** What the world has pushed, and how much of it must still be there. */
class Shelf {
  readonly #clock: VirtualClock;
  readonly #retention: { readonly size: number; readonly ttlMs: number };
  readonly #messages: Message[] = [];

  constructor(clock: VirtualClock, retention: Shelf['retention']) {
    this.#clock = clock;
    this.#retention = retention;
  }

  get retention(): { readonly size: number; readonly ttlMs: number } {
    return this.#retention;
  }

  get top(): number {
    return this.#messages.length;
  }

  add(): void {
    this.#messages.push({ offset: this.top + 1, at: this.#clock.now() });
  }

  /** The newest that is gone; what comes after it is kept. */
  goneTo(): number {
    const { size, ttlMs } = this.#retention;
    const expired = this.#messages.findLast(({ at }) => at <= this.#clock.now() - ttlMs)?.offset ?? 0;
    return Math.max(expired, this.top - size);
  }

  keptAfter(offset: number): number {
    return this.top - Math.max(offset, this.goneTo());
  }
}

/** A device of the user, and what its cursor must be. */
class Device {
  readonly name: string | undefined;
  /** It got `true` for this; -1 for nothing. */
  acknowledged = -1;
  /** It may have acknowledged this, and does not know. */
  attempted = -1;
  /** It subscribed or acknowledged then, or later, for certain. */
  seenAt = 0;
  /** It may have acknowledged as late as then. */
  tried = 0;
  client: TestClient | undefined;
  /** The newest that it has got on this connection, or was told to be gone. */
  position = 0;

  constructor(name: string | undefined) {
    this.name = name;
  }

  get isCertain(): boolean {
    return this.acknowledged === this.attempted;
  }
}

export class InboxWorld {
  readonly tally: InboxTally = {
    ...{ pushed: 0, received: 0, replayed: 0, acknowledged: 0, uncertain: 0, gaps: 0, toldByOthers: 0 },
  };
  readonly #draw: Random;
  readonly #clock = new VirtualClock();
  readonly #shelf: Shelf;
  readonly #host: CoreHost;
  readonly #devices: readonly Device[];
  /** Of all devices, those among them that the server has forgotten. */
  #furthest = 0;

  constructor(seed: number) {
    this.#draw = random(seed);
    const retention = { size: pick(this.#draw, [3, 12, 1_000]), ttlMs: pick(this.#draw, [4_000, 3_600_000]) };
    this.#shelf = new Shelf(this.#clock, retention);
    const owned = { subscribe: 'owner', publish: 'nobody', readHistory: 'owner' } as const;
    const rule: Rule = { pattern: 'user:{uid}', ...owned, retention, inbox: {} };
    this.#host = new CoreHost({ rules: [rule], laneLogBytes: 3_000 }, this.#clock);
    const names = this.#draw(2) === 0 ? ['phone', undefined] : ['phone', undefined, 'laptop'];
    this.#devices = names.map((name) => new Device(name));
  }

  /** Throws what was found wrong. */
  async run(): Promise<void> {
    await this.#host.node.start();
    for (let step = 0; step < steps; step++) {
      await this.#act(pick(this.#draw, this.#devices));
      if (this.#draw(4) === 0) await this.#clock.elapse(this.#draw(3) * this.#draw(1_500));
    }
    await this.#finish();
  }

  async #act(device: Device): Promise<void> {
    const choice = this.#draw(100);
    if (choice < 30) await this.#push(1 + this.#draw(this.#draw(5) === 0 ? 20 : 3));
    else if (choice < 50) await (device.client === undefined ? this.#come(device) : this.#read(device));
    else if (choice < 65) await this.#acknowledge(device);
    else if (choice < 72) await this.#acknowledgeAndBreak(device);
    else if (choice < 82) this.#break(device);
    else if (choice < 90) await this.#read(device);
    else if (choice < 95) await this.#markFromOutside(device);
    else await this.#compareReport();
  }

  async #push(count: number): Promise<void> {
    for (let pushed = 0; pushed < count; pushed++) {
      this.#shelf.add();
      const padding = 'x'.repeat(this.#draw(400));
      const { offset } = await this.#host.node.publish(channel, JSON.stringify(padding));
      expectEqual('the offset', offset, this.#shelf.top);
    }
    this.tally.pushed += count;
  }

  async #come(device: Device): Promise<void> {
    // Some take only so much at a time, so that they are behind while messages grow old.
    const capacity = pick(this.#draw, [Number.POSITIVE_INFINITY, 600]);
    const client = this.#host.connect({ wire: new LineWire(), capacity, token: 'token-ann' });
    const named = device.name !== undefined && { device: device.name };
    client.send({ op: 'auth', token: 'token-ann', ...named });
    const [goneTo, isForgotten] = [this.#shelf.goneTo(), this.#isForgotten(device)];
    const began = this.#clock.now();
    client.send({ op: 'subscribe', channel, id: 1 });
    await this.#host.settle();
    device.client = client;
    device.seenAt = began;
    if (isForgotten !== false) device.acknowledged = -1;
    if (isForgotten === true) device.attempted = -1;
    const [auth, reply, ...rest] = client.lines().map((line) => JSON.parse(line));
    expectEqual('the answer to auth', JSON.stringify(auth), '{"result":true}');
    const { offset, unread, recovered } = reply.result;
    expectEqual('the top', offset, this.#shelf.top);
    // What nobody saw the answer of may count or not, but nothing else.
    const cursor = offset - unread;
    const [low, high] = [device.acknowledged, device.attempted].map((each) => Math.max(each, goneTo));
    if (!(cursor === low || cursor === high)) {
      throw new Error(`${device.name} has ${unread} unread of ${offset}, and acknowledged ${low} or ${high}`);
    }
    if (device.isCertain) {
      const hasAll = device.acknowledged >= goneTo;
      expectEqual('recovered', recovered, hasAll);
    }
    device.position = cursor;
    this.tally.replayed += unread;
    this.#take(device, rest);
  }

  async #read(device: Device): Promise<void> {
    if (device.client === undefined) return;
    const lines = await device.client.settledLines();
    this.#take(
      device,
      lines.map((line) => JSON.parse(line)),
    );
  }

  /** In order, none twice, none missing but what it is told of. */
  #take(device: Device, messages: readonly Record<string, unknown>[]): void {
    for (const { type, event, offset, from, to, ...rest } of messages) {
      expectEqual('the event', event, channel);
      if (type === 'ack') {
        this.tally.toldByOthers += 1;
        continue;
      }
      if (type === 'gap') {
        expectEqual('the begin of a gap', from, device.position + 1);
        if (Number(to) > this.#shelf.goneTo()) throw new Error(`a gap up to ${to}, which is kept`);
        device.position = Number(to);
        this.tally.gaps += 1;
        continue;
      }
      expectEqual(`the offset for ${device.name} (${JSON.stringify(rest)})`, offset, device.position + 1);
      device.position += 1;
      this.tally.received += 1;
    }
  }

  async #acknowledge(device: Device): Promise<void> {
    const { client } = device;
    if (client === undefined) return;
    await this.#read(device);
    const offset = Math.max(0, device.position - this.#draw(3));
    device.seenAt = this.#clock.now();
    client.send({ op: 'ack', channel, offset });
    const lines = (await client.settledLines()).map((line) => JSON.parse(line));
    const answer = lines.findIndex(({ result }) => result !== undefined);
    expectEqual('the answer to ack', JSON.stringify(lines[answer]), '{"result":true}');
    this.#acknowledged(device, offset);
    this.#take(device, lines.toSpliced(answer, 1));
  }

  /** The connection breaks between the delivery and the answer. */
  async #acknowledgeAndBreak(device: Device): Promise<void> {
    const { client } = device;
    if (client === undefined) return;
    await this.#read(device);
    if (this.#draw(2) === 0) {
      client.send({ op: 'ack', channel, offset: device.position });
      device.tried = this.#clock.now();
      device.attempted = Math.max(device.attempted, device.position);
      this.tally.uncertain += 1;
    }
    this.#break(device);
    await this.#host.settle();
  }

  #break(device: Device): void {
    device.client?.connection.cut();
    device.client = undefined;
  }

  /** As a backend does when the user has read his messages elsewhere. */
  async #markFromOutside(device: Device): Promise<void> {
    const offset = this.#draw(this.#shelf.top + 1);
    device.seenAt = this.#clock.now();
    const inbox = this.#host.node.inboxes.named({ user: 'ann' });
    await this.#host.node.inboxes.acknowledge(inbox, { device: device.name ?? 'default', offset });
    this.#acknowledged(device, offset);
  }

  #acknowledged(device: Device, offset: number): void {
    device.acknowledged = Math.max(device.acknowledged, offset);
    device.attempted = Math.max(device.attempted, offset);
    this.#furthest = Math.max(this.#furthest, offset);
    device.tried = this.#clock.now();
    this.tally.acknowledged += 1;
  }

  /** It was away for as long as messages are kept: then nothing is left that it acknowledged. */
  #isForgotten({ seenAt, tried }: Device): boolean | undefined {
    const since = this.#clock.now() - this.#shelf.retention.ttlMs;
    if (seenAt >= since) return false;
    return tried >= since ? undefined : true;
  }

  async #compareReport(): Promise<void> {
    const { inboxes } = this.#host.node;
    const report = await inboxes.report(inboxes.named({ user: 'ann' }));
    for (const { device: name, unread } of report.devices) {
      const device = this.#devices.find((each) => (each.name ?? 'default') === name);
      if (device === undefined) throw new Error(`a device ${name} that nobody has`);
      if (device.isCertain)
        expectEqual(`unread of ${name}`, unread, this.#shelf.keptAfter(device.acknowledged));
    }
    if (this.#devices.every(({ attempted }) => attempted <= this.#furthest))
      expectEqual('unread', report.unread, this.#shelf.keptAfter(this.#furthest));
  }

  /** Everybody comes once more, gets what is left, acknowledges it, and then there is nothing. */
  async #finish(): Promise<void> {
    for (const device of this.#devices) {
      this.#break(device);
      await this.#host.settle();
      await this.#come(device);
      await this.#read(device);
      expectEqual('what has come at the end', device.position, this.#shelf.top);
      device.seenAt = this.#clock.now();
      device.client?.send({ op: 'ack', channel, offset: this.#shelf.top });
      await this.#host.settle();
      this.#acknowledged(device, this.#shelf.top);
      this.#break(device);
    }
    await this.#host.settle();
    await this.#compareReport();
    for (const device of this.#devices) {
      await this.#come(device);
      expectEqual('what comes after all was acknowledged', device.position, this.#shelf.top);
    }
    expectEqual('what was logged as an error', this.#host.errors.join(), '');
  }
}

function expectEqual(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${what} is ${String(found)}, not ${String(expected)}`);
}
