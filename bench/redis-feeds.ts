/** Two ways of putting numbered publications into many channels in turn: PUBLISH on a Redis, and POST /v1/publish. */
import { connect, type Socket } from 'node:net';
import { ApiConnection } from '../packages/server/src/bench/api-connection.ts';
import { payload } from '../packages/server/src/bench/checker.ts';
import { BenchError, type Target } from '../packages/server/src/bench/target.ts';

export interface Load {
  readonly channels: number;
  /** Bytes of a publication as JSON text. */
  readonly payload: number;
  readonly channelOf: (channel: number) => string;
}

/**
 * When the publication of this number, counted over all channels, is due, in ms of `performance.now()`. Latencies count from
 * then: what waits for room on the way is late as well.
 */
export type Schedule = (n: number) => number;

export interface Feed {
  /** Publications sent so far, in all channels. */
  readonly sent: number;
  readonly answered: number;
  /** Why it cannot go on. */
  readonly failure: string | undefined;
  /** Publications sent to this channel. */
  sentTo(channel: number): number;
  /** Sends what is missing to `due` publications in all, as far as there is room on the way. */
  pump(due: number, dueAt: Schedule): void;
  close(): void;
}

/** One connection that sends commands without waiting for the replies, as busy publishers do. */
export class RedisFeed implements Feed {
  sent = 0;
  answered = 0;
  failure: string | undefined;
  readonly #load: Load;
  readonly #socket: Socket;

  /** Unanswered commands; what Redis does not take stays with the publisher. */
  static readonly #mostOnTheWay = 4096;

  private constructor(socket: Socket, load: Load) {
    this.#socket = socket;
    this.#load = load;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#replied(text));
    socket.on('error', (error) => {
      this.failure ??= error.message;
    });
    socket.on('close', () => {
      this.failure ??= 'Redis closed the connection';
    });
  }

  static open(port: number, load: Load): Promise<RedisFeed> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true });
      const feed = new RedisFeed(socket, load);
      socket.once('connect', () => resolve(feed));
      socket.once('error', (error) => reject(new BenchError(`No Redis: ${error.message}.`, 69)));
    });
  }

  sentTo(channel: number): number {
    const { channels } = this.#load;
    return Math.floor(this.sent / channels) + (channel < this.sent % channels ? 1 : 0);
  }

  pump(due: number, dueAt: Schedule): void {
    let text = '';
    while (this.sent < due && this.sent - this.answered < RedisFeed.#mostOnTheWay) {
      const { channels, channelOf, payload: size } = this.#load;
      const name = channelOf(this.sent % channels);
      const data = payload(Math.floor(this.sent / channels), dueAt(this.sent), size);
      text += `*3\r\n$7\r\nPUBLISH\r\n$${name.length}\r\n${name}\r\n$${data.length}\r\n${data}\r\n`;
      this.sent += 1;
    }
    if (text !== '') this.#socket.write(text, 'latin1');
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Every reply is `:1`, one receiver; it may come in pieces, so the ends of lines are counted. */
  #replied(text: string): void {
    for (const char of text) {
      if (char === '\n') this.answered += 1;
      else if (char === '-' || char === '0') this.failure ??= `Redis answered ${JSON.stringify(text)}`;
    }
  }
}

/** Keep-alive connections with one request on the way in each; a channel belongs to one of them, so that it has one order. */
export class HttpFeed implements Feed {
  readonly #lanes: readonly HttpLane[];

  private constructor(lanes: readonly HttpLane[]) {
    this.#lanes = lanes;
  }

  static async open(target: Target, load: Load): Promise<HttpFeed> {
    const count = Math.min(16, load.channels);
    const lanes: HttpLane[] = [];
    for (let first = 0; first < count; first++) {
      lanes.push(new HttpLane(await ApiConnection.open(target), load, { first, count }));
    }
    return new HttpFeed(lanes);
  }

  get sent(): number {
    return this.#lanes.reduce((total, lane) => total + lane.sent, 0);
  }

  get answered(): number {
    return this.#lanes.reduce((total, lane) => total + lane.answered, 0);
  }

  get failure(): string | undefined {
    return this.#lanes.find((lane) => lane.failure !== undefined)?.failure;
  }

  sentTo(channel: number): number {
    return this.#lanes[channel % this.#lanes.length]?.sentTo(channel) ?? 0;
  }

  pump(due: number, dueAt: Schedule): void {
    this.#lanes.forEach((lane, at) => {
      lane.pump(Math.floor((due + this.#lanes.length - 1 - at) / this.#lanes.length), dueAt);
    });
  }

  close(): void {
    for (const lane of this.#lanes) lane.close();
  }
}

/** The channels `first`, `first + count`, `first + 2 * count` and so on, over one connection. */
class HttpLane {
  sent = 0;
  answered = 0;
  readonly #connection: ApiConnection;
  readonly #load: Load;
  readonly #first: number;
  readonly #step: number;
  readonly #channels: number;
  #due = 0;
  #dueAt: Schedule = () => 0;

  constructor(connection: ApiConnection, load: Load, share: { first: number; count: number }) {
    this.#connection = connection;
    this.#load = load;
    this.#first = share.first;
    this.#step = share.count;
    this.#channels = Math.ceil((load.channels - share.first) / share.count);
    connection.answered = () => {
      this.answered += 1;
      this.pump(this.#due, this.#dueAt);
    };
  }

  get failure(): string | undefined {
    return this.#connection.failure;
  }

  sentTo(channel: number): number {
    const at = Math.floor(channel / this.#step);
    return Math.floor(this.sent / this.#channels) + (at < this.sent % this.#channels ? 1 : 0);
  }

  pump(due: number, dueAt: Schedule): void {
    this.#due = due;
    this.#dueAt = dueAt;
    if (this.sent >= due || this.sent > this.answered || this.failure !== undefined) return;
    const n = Math.floor(this.sent / this.#channels);
    const channel = this.#first + (this.sent % this.#channels) * this.#step;
    const data = payload(n, dueAt(this.sent * this.#step + this.#first), this.#load.payload);
    this.sent += 1;
    this.#connection.publish(this.#load.channelOf(channel), data);
  }

  close(): void {
    this.#connection.close();
  }
}
