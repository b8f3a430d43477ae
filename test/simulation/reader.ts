/** A client in a simulated world: subscribes, reads at its own pace, loses its connection, comes back with what it remembers. */
import type { Position } from '../../packages/protocol/src/index.ts';
import type { ConnectionListener } from '../../packages/server/src/core/connection.ts';
import type { PreparedFeed } from '../../packages/server/src/core/entry.ts';
import type { Node } from '../../packages/server/src/core/node.ts';
import type { Gap, Wire } from '../../packages/server/src/core/wire.ts';
import { serverFrames } from '../../packages/server/src/testing/client-frames.ts';
import { FakeConnection } from '../../packages/server/src/testing/fake-connection.ts';
import { textFrame } from '../../packages/server/src/transports/websocket/frame.ts';
import { bareWire, nativeWire, rawWire } from '../../packages/server/src/transports/websocket/wires.ts';
import type { Random } from '../support/random.ts';
import { NumberedTrack, PlainTrack, type Self, type SubscribeAnswer } from './track.ts';
import type { Truth } from './truth.ts';

/**
 * `native` and `raw` speak the native protocol. The others name their channels at once: `bare` is given data only and begins
 * anew each time, `cursor` is given a cursor behind each publication and goes on from the last one.
 */
export type Kind = 'native' | 'raw' | 'bare' | 'cursor';

export interface ReaderOptions {
  readonly kind: Kind;
  readonly user: string | undefined;
  readonly channels: readonly string[];
  /** Bytes that are on the way to it at most. */
  readonly capacity: number;
  readonly node: Node;
  readonly truth: Truth;
  readonly draw: Random;
  /** The id that the node gave out last. */
  readonly lastSession: () => string;
  readonly keepsHistory: (channel: string) => boolean;
  /** Whether what it asks for may be refused with 108 for a while; it tries again. */
  readonly isRefusedAtTimes?: boolean;
  /** With which codes its connection may be closed, besides 3008 where its wire cannot tell a gap. It comes back. */
  readonly endings?: readonly number[];
}

interface Want {
  readonly channel: string;
  /** As the client calls it. */
  readonly label: string;
  phase: 'idle' | 'joining' | 'joined' | 'leaving';
  isWanted: boolean;
  readonly numbered: NumberedTrack | undefined;
  readonly plain: PlainTrack;
}

interface Asked {
  readonly want: Want | undefined;
  readonly op: string;
  readonly since?: Position;
  readonly last?: number;
  readonly session?: string;
}

interface Message {
  readonly id?: number;
  readonly result?: unknown;
  readonly code?: number;
  readonly msg?: string;
  readonly event?: string;
  readonly type?: string;
  readonly data?: { readonly name: string };
  readonly offset?: number;
  readonly name?: string;
  readonly cursor?: string;
}

/** As the transports over HTTP have it: a cursor of its own for each recipient. */
const cursorWire: Wire = {
  ...nativeWire,
  name: 'cursor',
  gap: (label, gap) => textFrame(JSON.stringify({ event: label, type: 'gap', ...gap })),
  stamp: (cursor) => textFrame(JSON.stringify({ cursor })),
};

const wires = { native: nativeWire, raw: rawWire, bare: bareWire, cursor: cursorWire } as const;

export class Reader {
  /** How it reads: everything, a little at a time, or not at all. */
  pace: 'fast' | 'slow' | 'stalled' = 'fast';
  connection: FakeConnection | undefined;
  readonly sessions: string[] = [];
  /** How often the server ended its connection because it could not keep up. */
  cutForSlowness = 0;
  mostPending = 0;
  /** The server told it to connect anew. */
  isToldToGo = false;
  /** Publications that came and were judged. */
  received = 0;
  readonly #options: ReaderOptions;
  readonly #wants: Want[];
  #asked = new Map<number, Asked>();
  #commands = 0;
  #rest: Buffer = Buffer.alloc(0);
  #feed: Promise<PreparedFeed> | undefined;
  #cursor: string | undefined;
  /** What came, and counts only with the cursor behind it. */
  #uncounted: (() => void)[] = [];

  constructor(options: ReaderOptions) {
    this.#options = options;
    const { channels, truth, user, keepsHistory } = options;
    this.#wants = channels.map((channel) => ({
      channel,
      label: channel === `user:${user}` && !this.#isFeed ? '@user' : channel,
      phase: 'idle',
      isWanted: true,
      numbered: keepsHistory(channel) && !this.#isFeed ? new NumberedTrack(truth, channel) : undefined,
      plain: new PlainTrack(truth, channel),
    }));
  }

  get kind(): Kind {
    return this.#options.kind;
  }

  get isConnected(): boolean {
    return this.connection !== undefined;
  }

  /** Connected, and subscribed to everything that it wants. */
  get isSettled(): boolean {
    return (
      this.isConnected && this.#wants.every(({ phase, isWanted }) => phase === (isWanted ? 'joined' : 'idle'))
    );
  }

  connect(): void {
    if (this.#feed !== undefined || this.isConnected) return;
    if (this.#isFeed) this.#connectFeed();
    else this.#connectNative();
  }

  /** The connection breaks; neither side could say anything. */
  cut(): void {
    this.connection?.cut();
    this.#forget();
  }

  /** The process at the other end is gone, and with it whatever was asked of it. */
  lose(): void {
    this.#feed = undefined;
    this.cut();
  }

  /** The connection breaks, and a new one is there in the same turn. */
  comeBackAtOnce(): void {
    this.cut();
    this.connect();
  }

  /** One of its channels is left, or wanted again. */
  toggle(): void {
    if (this.#isFeed) return;
    const want = this.#wants[this.#options.draw(this.#wants.length)];
    if (want === undefined) return;
    want.isWanted = !want.isWanted || this.#options.draw(3) > 0;
    this.#advance();
  }

  wantAll(): void {
    for (const want of this.#wants) want.isWanted = true;
    this.#advance();
  }

  /** Publishes what `data` is, over its own connection. */
  publish(channel: string, data: string): void {
    if (this.#isFeed || this.connection === undefined) return;
    this.#commands += 1;
    this.#asked.set(this.#commands, { want: undefined, op: 'publish' });
    this.connection.send(`{"op":"publish","id":${this.#commands},"channel":"${channel}","data":${data}}`);
  }

  /** Takes up to `bytes` of what is there, and looks at it. Whether there was anything. */
  read(bytes: number): boolean {
    const { connection } = this;
    if (connection === undefined) return false;
    const taken = connection.read(bytes);
    this.mostPending = Math.max(this.mostPending, connection.mostPending);
    const { frames, rest } = serverFrames(Buffer.concat([this.#rest, taken]));
    this.#rest = Buffer.from(rest);
    for (const { payload } of frames) this.#received(payload.toString());
    if (connection.ended !== undefined && connection.readable === 0) this.#wasEnded(connection.ended.code);
    return taken.length > 0;
  }

  /** Nothing more will come. */
  finish(): void {
    for (const { numbered, plain, label } of this.#wants) {
      this.#judge(label, () => (numbered ?? plain).finished(this.#self()));
    }
  }

  #connectNative(): void {
    const { kind, node, user, capacity, draw, lastSession } = this.#options;
    const connection = new FakeConnection(wires[kind], capacity);
    const isLate = user !== undefined && draw(2) === 0;
    const token = user !== undefined && !isLate ? { token: user } : {};
    const listener = node.accept(connection, { address: '192.0.2.1', headers: {}, ...token });
    this.#opened(connection, listener, lastSession());
    if (isLate) connection.send(JSON.stringify({ op: 'auth', token: user }));
    this.#advance();
  }

  #connectFeed(): void {
    const { kind, node, user, capacity, lastSession } = this.#options;
    const cursor = this.#cursor;
    const channels = this.#wants.map(({ channel }) => channel);
    const prepared = node.prepareFeed({
      address: '192.0.2.1',
      headers: {},
      channels,
      ...(cursor !== undefined && { cursor }),
      ...(user !== undefined && { token: user }),
    });
    // It has one from the moment it asks.
    const session = lastSession();
    this.#feed = prepared;
    const opened = (feed: PreparedFeed): void => {
      if (this.#feed !== prepared) {
        feed.cancel();
        return;
      }
      this.#feed = undefined;
      if (this.#options.draw(8) === 0) {
        feed.cancel();
        return;
      }
      const connection = new FakeConnection(wires[kind], capacity);
      const listener = feed.open(connection);
      this.#opened(connection, listener, session);
      for (const want of this.#wants) this.#follows(want, cursor === undefined ? undefined : feed.recovered);
      if (kind === 'cursor' && feed.cursor !== '') this.#cursor ??= feed.cursor;
    };
    prepared.then(opened, (error: unknown) => {
      if (this.#feed !== prepared) return;
      this.#feed = undefined;
      if (!this.#isRefusal((error as { code?: unknown }).code)) throw error;
    });
  }

  #isRefusal(code: unknown): boolean {
    return this.#options.isRefusedAtTimes === true && code === 108;
  }

  /** `recovered`: what the server says of the cursor that it was given. */
  #follows(want: Want, recovered: boolean | undefined): void {
    want.phase = 'joined';
    if (recovered === undefined || !this.#options.keepsHistory(want.channel)) want.plain.begin();
    else if (!recovered) want.plain.toldGap();
  }

  get #isFeed(): boolean {
    return this.#options.kind === 'bare' || this.#options.kind === 'cursor';
  }

  #opened(connection: FakeConnection, listener: ConnectionListener, session: string): void {
    this.connection = connection;
    this.sessions.push(session);
    connection.listen(listener);
  }

  #forget(): void {
    this.connection = undefined;
    this.isToldToGo = false;
    this.#rest = Buffer.alloc(0);
    this.#uncounted = [];
    this.#asked = new Map();
    for (const want of this.#wants) want.phase = 'idle';
  }

  /** Asks for what is wanted and not asked yet, in one batch or one by one. */
  #advance(): void {
    const { connection } = this;
    if (connection === undefined || this.#isFeed) return;
    const commands: object[] = [];
    for (const want of this.#wants) {
      if (want.phase === 'idle' && want.isWanted) commands.push(this.#subscribe(want));
      else if (want.phase === 'joined' && !want.isWanted) {
        want.phase = 'leaving';
        commands.push(this.#ask({ want, op: 'unsubscribe' }, { channel: want.label }));
      }
    }
    if (commands.length > 1 && this.#options.draw(2) === 0) connection.send(JSON.stringify(commands));
    else for (const command of commands) connection.send(JSON.stringify(command));
  }

  #subscribe(want: Want): object {
    const { draw } = this.#options;
    want.phase = 'joining';
    const session = this.sessions.at(-2);
    const position = want.numbered?.position;
    // Now and then it starts anew, as another page of the same user would.
    const since = position !== undefined && draw(8) > 0 ? { since: position } : {};
    const last = position === undefined && draw(3) === 0 ? { last: 1 + draw(30) } : {};
    const named = session !== undefined ? { session } : {};
    const fields = want.numbered === undefined ? named : { ...since, ...last, ...named };
    return this.#ask({ want, op: 'subscribe', ...fields }, { channel: want.label, ...fields });
  }

  #ask(asked: Asked, fields: object): object {
    this.#commands += 1;
    this.#asked.set(this.#commands, asked);
    return { op: asked.op, id: this.#commands, ...fields };
  }

  #received(text: string): void {
    const value = JSON.parse(text) as Message | readonly Message[];
    if (Array.isArray(value)) for (const message of value as readonly Message[]) this.#one(message);
    else this.#one(value as Message);
    this.#advance();
  }

  #one(message: Message): void {
    const { id, event, type, data, name, offset } = message;
    if (message.cursor !== undefined) this.#count(message.cursor);
    else if (event === '$server' && type === 'reconnect') this.isToldToGo = true;
    else if (name !== undefined) this.#publication(this.#byChannel(channelOf(name)), name, undefined);
    else if (event !== undefined && type === 'gap') this.#gap(this.#byLabel(event), message as Gap);
    else if (event !== undefined && data !== undefined) {
      const publication = (): void => this.#publication(this.#byLabel(event), data.name, offset);
      if (this.#options.kind === 'cursor') this.#uncounted.push(publication);
      else publication();
    } else if (id !== undefined) this.#answered(id, message);
    else if (message.result !== true) throw new Error(`came unasked: ${JSON.stringify(message)}`);
  }

  #count(cursor: string): void {
    if (cursor !== '') this.#cursor = cursor;
    for (const publication of this.#uncounted.splice(0)) publication();
  }

  #answered(id: number, { result, code, msg }: Message): void {
    const asked = this.#asked.get(id);
    if (asked === undefined) throw new Error(`answer ${id} was not asked for`);
    this.#asked.delete(id);
    const { want, op } = asked;
    if (want === undefined) {
      // A broker that just restarts may refuse a publication.
      if (code !== undefined && code !== 108) throw new Error(`${op} was refused: ${code} ${msg}`);
      return;
    }
    if (this.#isRefusal(code)) {
      want.phase = op === 'subscribe' ? 'idle' : 'joined';
      return;
    }
    if (code !== undefined) throw new Error(`${op} ${want.label} was refused: ${code} ${msg}`);
    if (op === 'unsubscribe') {
      want.phase = 'idle';
      return;
    }
    want.phase = 'joined';
    this.#judge(want.label, () => want.numbered?.answered(result as SubscribeAnswer, asked));
    if (want.numbered === undefined) want.plain.begin();
  }

  #publication({ phase, label, numbered, plain }: Want, name: string, offset: number | undefined): void {
    this.received += 1;
    this.#judge(label, () => {
      if (phase !== 'joined' && phase !== 'leaving') throw new Error(`${name} came while ${phase}`);
      if (numbered === undefined) plain.received(name, this.#self());
      else numbered.received(name, offset, this.#self());
    });
  }

  #gap({ label, numbered, plain }: Want, gap: Gap): void {
    this.#judge(label, () => {
      if (numbered === undefined) plain.toldGap();
      else numbered.toldGap(gap, this.#self());
    });
  }

  #wasEnded(code: number): void {
    const isSlow = code === 3008 && this.#options.kind === 'bare';
    if (!isSlow && this.#options.endings?.includes(code) !== true) throw new Error(`closed with ${code}`);
    if (isSlow) this.cutForSlowness += 1;
    this.#forget();
  }

  #self(): Self {
    return { user: this.#options.user, session: this.sessions.at(-1) ?? '', sessions: this.sessions };
  }

  #byLabel(label: string): Want {
    return this.#find(label, ({ label: own }) => own === label);
  }

  #byChannel(channel: string): Want {
    return this.#find(channel, ({ channel: own }) => own === channel);
  }

  #find(name: string, matches: (want: Want) => boolean): Want {
    const want = this.#wants.find(matches);
    if (want === undefined) throw new Error(`something of ${name} came, which was never asked for`);
    return want;
  }

  #judge(label: string, check: () => void): void {
    try {
      check();
    } catch (error) {
      throw new Error(`${this.#options.kind}, session ${this.sessions.at(-1)}, ${label}: ${String(error)}`);
    }
  }
}

function channelOf(name: string): string {
  return name.slice(0, name.lastIndexOf('#'));
}
