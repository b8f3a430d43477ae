/** Where the cursors of inboxes are kept: what is known of one, the plug that keeps it, and the home in this process's memory. */
import { type JsonText, limits, type Position } from '@carillon/protocol';
import type { Clock } from './clock.ts';
import type { Counters } from './figures.ts';

/** A device of an inbox's owner. */
export interface SeenDevice {
  readonly device: string;
  /** It has everything up to there; undefined: nothing. */
  readonly acknowledged: Position | undefined;
  /** When it subscribed or acknowledged last, in milliseconds of the clock. */
  readonly seenAt: number;
}

export interface InboxState {
  /** The furthest that any device acknowledged, if only one that was forgotten since; undefined: nothing. */
  readonly furthest: Position | undefined;
  /** The one that was here last comes last. */
  readonly devices: readonly SeenDevice[];
}

/** What an acknowledgement came to. */
export interface Acknowledged {
  /** Whether a cursor has moved. */
  readonly hasMoved: boolean;
  /** Whether it is the furthest of all now, and was not before. */
  readonly isFurther: boolean;
  readonly furthest: Position;
}

/**
 * Every method is one step that nothing else comes between, whoever else uses the store. `keepMs` is how long the channel keeps a
 * publication: a device that was away for longer has acknowledged nothing that is left, and may be forgotten.
 * What is forgotten for want of room costs a repetition, and never a message.
 */
export interface InboxStore {
  read(channel: string): Promise<InboxState>;
  /** The device is here. Resolves with what it has acknowledged. */
  see(channel: string, device: string, keepMs: number): Promise<Position | undefined>;
  /** Moves the cursor of a device, or of all that are known, forward. A position of another epoch than the cursor's is ahead of it. */
  acknowledge(
    channel: string,
    device: string | undefined,
    position: Position,
    keepMs: number,
  ): Promise<Acknowledged>;
  forget(channel: string, device: string): Promise<void>;
  /** Takes the telling that the publications after `furthest` are overdue; false where that has been told before. */
  claim(channel: string, furthest: Position, keepMs: number): Promise<boolean>;
}

interface Device {
  acknowledged: Position | undefined;
  seenAt: number;
}

interface Inbox {
  furthest: Position | undefined;
  /** What was told of as overdue lies behind this. */
  told: Position | undefined;
  keepMs: number;
  usedAt: number;
  /** In the order of use, the longest ago first. */
  readonly devices: Map<string, Device>;
}

/** The bounds of a {@link MemoryInboxes}. */
export interface InboxBounds {
  /** Of one inbox. */
  readonly devices: number;
  /** Inboxes and devices, all together. */
  readonly entries: number;
}

export class MemoryInboxes implements InboxStore {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #bounds: InboxBounds;
  /** In the order of use, the longest ago first. */
  readonly #inboxes = new Map<string, Inbox>();
  readonly #counters: Pick<Counters, 'inboxesGivenUp'>;
  #entries = 0;

  constructor(
    clock: Pick<Clock, 'now'>,
    counters: Pick<Counters, 'inboxesGivenUp'>,
    bounds: InboxBounds = { devices: limits.inboxDevices, entries: limits.inboxEntries },
  ) {
    this.#clock = clock;
    this.#counters = counters;
    this.#bounds = bounds;
  }

  /** Inboxes and devices. */
  get entries(): number {
    return this.#entries;
  }

  /** One inbox as text that `restore` understands, and when nothing of it matters any more; undefined where there is none. */
  snapshot(channel: string): { readonly text: JsonText; readonly until: number } | undefined {
    const inbox = this.#inboxes.get(channel);
    if (inbox === undefined) return undefined;
    const text = JSON.stringify({ ...inbox, devices: [...inbox.devices] });
    return { text, until: Math.ceil(inbox.usedAt + inbox.keepMs) };
  }

  /** Takes over what snapshots say, by channel. Call before anything else. */
  restore(snapshots: ReadonlyMap<string, JsonText>): void {
    const inboxes = [...snapshots].map(([channel, text]): [string, Inbox] => {
      const { devices, ...inbox } = JSON.parse(text);
      return [channel, { furthest: undefined, told: undefined, ...inbox, devices: new Map(devices) }];
    });
    for (const [channel, inbox] of inboxes.toSorted(([, a], [, b]) => a.usedAt - b.usedAt)) {
      this.#inboxes.set(channel, inbox);
      this.#entries += 1 + inbox.devices.size;
      this.#makeRoom();
    }
  }

  async read(channel: string): Promise<InboxState> {
    const inbox = this.#inboxes.get(channel);
    if (inbox === undefined || this.#isOver(inbox.usedAt, inbox)) return { furthest: undefined, devices: [] };
    const devices = [...inbox.devices]
      .filter(([, { seenAt }]) => !this.#isOver(seenAt, inbox))
      .map(([device, { acknowledged, seenAt }]) => ({ device, acknowledged, seenAt }));
    return { furthest: inbox.furthest, devices };
  }

  async see(channel: string, device: string, keepMs: number): Promise<Position | undefined> {
    const { acknowledged } = this.#device(this.#used(channel, keepMs), device);
    this.#makeRoom();
    return acknowledged;
  }

  async acknowledge(
    channel: string,
    device: string | undefined,
    position: Position,
    keepMs: number,
  ): Promise<Acknowledged> {
    const inbox = this.#used(channel, keepMs);
    const devices = device === undefined ? inbox.devices.values() : [this.#device(inbox, device)];
    let hasMoved = false;
    for (const each of devices) {
      if (!isAhead(position, each.acknowledged)) continue;
      each.acknowledged = position;
      hasMoved = true;
    }
    const isFurther = isAhead(position, inbox.furthest);
    if (isFurther) inbox.furthest = position;
    this.#makeRoom();
    return { hasMoved: hasMoved || isFurther, isFurther, furthest: inbox.furthest ?? position };
  }

  async forget(channel: string, device: string): Promise<void> {
    if (this.#inboxes.get(channel)?.devices.delete(device)) this.#entries -= 1;
  }

  async claim(channel: string, furthest: Position, keepMs: number): Promise<boolean> {
    const inbox = this.#used(channel, keepMs);
    const isNew = isAhead(furthest, inbox.told);
    if (isNew) inbox.told = furthest;
    this.#makeRoom();
    return isNew;
  }

  /** The inbox, made when there is none, as the one that was used last. */
  #used(channel: string, keepMs: number): Inbox {
    let inbox = this.#inboxes.get(channel);
    if (inbox !== undefined) {
      this.#inboxes.delete(channel);
      if (this.#isOver(inbox.usedAt, inbox)) {
        this.#entries -= 1 + inbox.devices.size;
        inbox = undefined;
      }
    }
    if (inbox === undefined) {
      inbox = { furthest: undefined, told: undefined, keepMs, usedAt: 0, devices: new Map() };
      this.#entries += 1;
    }
    inbox.keepMs = keepMs;
    inbox.usedAt = this.#clock.now();
    this.#inboxes.set(channel, inbox);
    return inbox;
  }

  /** The device, as the one that was here last; one that was away for too long begins anew. */
  #device(inbox: Inbox, name: string): Device {
    const { devices } = inbox;
    const found = devices.get(name);
    const isKept = found !== undefined && !this.#isOver(found.seenAt, inbox);
    const device = { acknowledged: isKept ? found.acknowledged : undefined, seenAt: this.#clock.now() };
    if (found !== undefined) devices.delete(name);
    else this.#entries += 1;
    devices.set(name, device);
    const [longestAway] = devices.keys();
    if (devices.size > this.#bounds.devices && longestAway !== undefined) {
      devices.delete(longestAway);
      this.#entries -= 1;
    }
    return device;
  }

  #isOver(since: number, { keepMs }: Inbox): boolean {
    return this.#clock.now() - since > keepMs;
  }

  /** Forgets inboxes that were not used for too long, and those unused longest where there are too many. The newest stays. */
  #makeRoom(): void {
    for (const [channel, inbox] of this.#inboxes) {
      const isFull = this.#entries > this.#bounds.entries;
      if ((!isFull && !this.#isOver(inbox.usedAt, inbox)) || this.#inboxes.size === 1) return;
      if (isFull) this.#counters.inboxesGivenUp += 1;
      this.#inboxes.delete(channel);
      this.#entries -= 1 + inbox.devices.size;
    }
  }
}

function isAhead(position: Position, cursor: Position | undefined): boolean {
  return cursor === undefined || cursor.epoch !== position.epoch || cursor.offset < position.offset;
}
