/** A whole node on the memory broker in virtual time, and clients that talk to it without a socket. */
import { MemoryBroker } from '../brokers/memory/broker.ts';
import type { Authenticator, Identity } from '../core/access.ts';
import type { Broker } from '../core/broker.ts';
import { refuse } from '../core/errors.ts';
import { Node, type NodeOptions } from '../core/node.ts';
import { type Rule, Rules } from '../core/rules.ts';
import type { Wire } from '../core/wire.ts';
import { FakeConnection } from './fake-connection.ts';
import { LineWire } from './line-wire.ts';
import { VirtualClock } from './virtual-clock.ts';

const open = { subscribe: 'anyone', publish: 'anyone', readHistory: 'anyone' } as const;
export const keeping = { size: 100, ttlMs: 600_000 };

/** `h:*` keeps history, `n:*` keeps none, `s:*` takes publications of subscribers, `user:{uid}` is the user's own. */
export const testRules: readonly Rule[] = [
  { pattern: 'h:*', ...open, retention: keeping },
  { pattern: 'n:*', ...open },
  { pattern: 's:*', ...open, publish: 'subscriber', retention: keeping },
  { pattern: 'user:{uid}', subscribe: 'owner', publish: 'nobody', readHistory: 'owner', retention: keeping },
  { pattern: 'members', subscribe: 'user', publish: 'user', readHistory: 'user', retention: keeping },
  { pattern: 'closed', subscribe: 'nobody', publish: 'nobody', readHistory: 'nobody', retention: keeping },
];

export interface CoreHostOptions extends Partial<Omit<NodeOptions, 'rules' | 'authenticator' | 'clock'>> {
  readonly rules?: readonly Rule[];
  /** Whether a client without a token may do what `anyone` may. True by default. */
  readonly anonymous?: boolean;
  /** By default the token `token-x` is the user `x`, and every other token 101. */
  readonly authenticate?: Authenticator['authenticate'];
}

export class CoreHost {
  readonly clock: VirtualClock;
  readonly broker: Broker;
  readonly rules: Rules;
  /** A test may have it admit other clients, as a reload would. */
  readonly authenticator: { admitsAnonymous: boolean } & Pick<Authenticator, 'authenticate'>;
  readonly node: Node;
  /** What was logged as an error. */
  readonly errors: string[] = [];
  #sessions = 0;

  constructor(options: CoreHostOptions = {}, clock: VirtualClock = new VirtualClock()) {
    const { rules = testRules, anonymous = true, authenticate = byPrefix, ...rest } = options;
    this.clock = clock;
    this.broker = options.broker ?? memoryBroker(this.clock);
    this.rules = new Rules(rules);
    const silent = (): void => {};
    this.authenticator = { admitsAnonymous: anonymous, authenticate };
    this.node = new Node({
      rules: this.rules,
      authenticator: this.authenticator,
      clock: this.clock,
      log: { debug: silent, info: silent, warn: silent, error: (message) => this.errors.push(message) },
      newSessionId: () => `session-${++this.#sessions}`,
      channelsPerConnection: 128,
      laneLogBytes: 1_048_576,
      ...rest,
      broker: this.broker,
    });
  }

  /** Runs everything that promises and the end of the turn have ready. */
  async settle(): Promise<void> {
    await this.clock.elapse(2);
  }

  /** Opens a connection that speaks the native protocol. */
  connect({
    wire = new LineWire(),
    capacity,
    ...request
  }: {
    wire?: Wire;
    capacity?: number;
    token?: string;
    device?: string;
    headers?: Readonly<Record<string, string>>;
  } = {}): TestClient {
    const client = new TestClient(this, new FakeConnection(wire, capacity), `session-${this.#sessions + 1}`);
    const asked = { address: '192.0.2.1', headers: {}, ...request };
    client.connection.listen(this.node.accept(client.connection, asked));
    return client;
  }
}

/** `clock`: for those who make a broker of their own. */
export async function startCore({
  clock,
  ...options
}: CoreHostOptions & { clock?: VirtualClock } = {}): Promise<CoreHost> {
  const host = new CoreHost(options, clock);
  await host.node.start();
  return host;
}

let epochs = 0;

export function memoryBroker(clock: VirtualClock, maxBytes?: number): MemoryBroker {
  const newEpoch = (): string => `epoch-${++epochs}`;
  return new MemoryBroker({ clock, newEpoch, ...(maxBytes !== undefined && { maxBytes }) });
}

/** A client of the native protocol on a line wire. */
export class TestClient {
  readonly connection: FakeConnection;
  readonly session: string;
  readonly #host: CoreHost;
  #rest = '';

  constructor(host: CoreHost, connection: FakeConnection, session: string) {
    this.#host = host;
    this.connection = connection;
    this.session = session;
  }

  /** Sends a frame: text as it is, anything else as JSON. */
  send(frame: unknown): void {
    this.connection.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** The lines that have come since the last time. */
  lines(): string[] {
    const lines = (this.#rest + this.connection.read().toString()).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines;
  }

  /** Sends frames, lets all that follows happen, and gives what has come, parsed. */
  async ask(...frames: readonly unknown[]): Promise<unknown[]> {
    for (const frame of frames) this.send(frame);
    return this.messages();
  }

  /** What has come since the last time, parsed, when everything has settled. */
  async messages(): Promise<unknown[]> {
    return (await this.settledLines()).map((line): unknown => JSON.parse(line));
  }

  async settledLines(): Promise<string[]> {
    const lines: string[] = [];
    // Reading makes room, and more may follow into it.
    for (let round = 0; round < 10_000; round++) {
      await this.#host.settle();
      const isQuiet = this.connection.readable === 0;
      lines.push(...this.lines());
      if (isQuiet && this.connection.readable === 0) break;
    }
    return lines;
  }
}

function byPrefix(token: string): Promise<Identity> {
  if (token.startsWith('token-')) return Promise.resolve({ user: token.slice('token-'.length) });
  return Promise.reject(refuse('unauthorized'));
}
