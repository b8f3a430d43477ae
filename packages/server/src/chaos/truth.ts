/** What was sent, what was acknowledged and what the server keeps: that against which readers are checked. */

export interface Acknowledged {
  readonly id: string;
  readonly epoch: string;
  readonly offset: number;
}

/** What the server has of a channel at the end, oldest first. */
export interface Kept {
  readonly epoch: string;
  readonly offset: number;
  readonly publications: readonly { readonly id: string; readonly offset: number }[];
}

/** One channel. */
export interface Truth {
  readonly channel: string;
  /** Everything that somebody tried to publish. */
  readonly sent: ReadonlySet<string>;
  /** In the order of the answers. */
  readonly acknowledged: readonly Acknowledged[];
  readonly kept: Kept;
}

/** What a publication carries. */
export interface Payload {
  readonly id: string;
  readonly size: number;
  readonly pad: string;
}

export function payload(id: string, size: number): Payload {
  return { id, size, pad: '\u{1d11e}'.repeat(size >> 3) + '.'.repeat(size & 7) };
}

/** The id, and whether everything of it arrived; an empty id where it is nothing that was published here. */
export function readPayload(data: unknown): { readonly id: string; readonly whole: boolean } {
  const { id, size, pad } = (typeof data === 'object' && data !== null ? data : {}) as Partial<Payload>;
  if (typeof id !== 'string' || typeof size !== 'number') return { id: '', whole: false };
  return { id, whole: pad === payload(id, size).pad };
}

/** The last publication of a channel: who has it has had everything. */
export function closingId(channel: string): string {
  return `end:${channel}`;
}

/** Collects the truth of all channels while it happens. */
export class Ledger {
  readonly #channels: ReadonlyMap<string, { sent: Set<string>; acknowledged: Acknowledged[] }>;
  /** Publications that were sent more than once. */
  repeated = 0;

  constructor(channels: readonly string[]) {
    this.#channels = new Map(channels.map((channel) => [channel, { sent: new Set(), acknowledged: [] }]));
  }

  send(channel: string, id: string): void {
    this.#channels.get(channel)?.sent.add(id);
  }

  acknowledge(channel: string, acknowledged: Acknowledged): void {
    this.#channels.get(channel)?.acknowledged.push(acknowledged);
  }

  /** Publications that were acknowledged. */
  get count(): number {
    return [...this.#channels.values()].reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
  }

  truth(channel: string, kept: Kept): Truth {
    const { sent = new Set<string>(), acknowledged = [] } = this.#channels.get(channel) ?? {};
    return { channel, sent, acknowledged, kept };
  }
}
