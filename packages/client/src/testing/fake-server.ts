/** A small server of the native protocol over the `ws` package: one more reading of it, and one that can misbehave. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';

interface Stream {
  readonly epoch: string;
  top: number;
  publications: { readonly offset: number; readonly data: unknown }[];
}

export interface FakeCommand {
  readonly id?: number;
  readonly op: string;
  readonly channel: string;
  readonly token?: string;
  readonly session?: string;
  readonly data?: unknown;
  readonly since?: { readonly epoch: string; readonly offset: number };
  readonly last?: number;
  readonly idempotency_key?: string;
}

export class FakeConnection {
  readonly socket: WebSocket;
  readonly number: number;
  readonly channels = new Set<string>();

  constructor(socket: WebSocket, number: number) {
    this.socket = socket;
    this.number = number;
  }

  send(...frames: readonly object[]): void {
    for (const frame of frames) this.socket.send(JSON.stringify(frame));
  }
}

export class FakeServer {
  /** Everything received, in order, with the number of its connection from 1. */
  readonly received: { readonly connection: number; readonly command: FakeCommand }[] = [];
  readonly connections = new Set<FakeConnection>();
  /** Decides over a command before the usual answer; true: it has been dealt with. */
  intercept: (command: FakeCommand, connection: FakeConnection) => boolean = () => false;
  /** False: whoever connects is cut off at once. */
  accepts = true;
  /** Publications that a channel keeps. */
  keep = 1_000;
  readonly #server: WebSocketServer;
  readonly #streams = new Map<string, Stream>();
  readonly #keys = new Map<string, object>();
  #count = 0;
  #epochs = 0;

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on('connection', (socket) => this.#connected(socket));
  }

  static async start(): Promise<FakeServer> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    return new FakeServer(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  async stop(): Promise<void> {
    for (const { socket } of this.connections) socket.terminate();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  /** Commands of that kind, in order. */
  commands(op: string): FakeCommand[] {
    return this.received.map(({ command }) => command).filter((command) => command.op === op);
  }

  /** Cuts every connection without a word. */
  cut(): void {
    for (const { socket } of this.connections) socket.terminate();
  }

  /** Closes every connection with a code. */
  close(code: number, reason: string): void {
    for (const { socket } of this.connections) socket.close(code, reason);
  }

  /** Publishes; returns the offset. */
  publish(channel: string, data: unknown): number {
    const stream = this.stream(channel);
    stream.top += 1;
    const publication = { offset: stream.top, data };
    stream.publications.push(publication);
    while (stream.publications.length > this.keep) stream.publications.shift();
    for (const connection of this.connections) {
      if (connection.channels.has(channel)) connection.send({ event: channel, ...publication });
    }
    return stream.top;
  }

  /** Loses a channel's history: offsets begin again in a new epoch. */
  forget(channel: string): void {
    this.#streams.delete(channel);
  }

  stream(channel: string): Stream {
    let stream = this.#streams.get(channel);
    if (stream === undefined) {
      this.#epochs += 1;
      stream = { epoch: `e${this.#epochs}`, top: 0, publications: [] };
      this.#streams.set(channel, stream);
    }
    return stream;
  }

  #connected(socket: WebSocket): void {
    socket.on('error', () => {});
    if (!this.accepts) {
      socket.terminate();
      return;
    }
    this.#count += 1;
    const connection = new FakeConnection(socket, this.#count);
    this.connections.add(connection);
    socket.on('close', () => this.connections.delete(connection));
    socket.on('message', (data: RawData) => {
      const command = JSON.parse(String(data)) as FakeCommand;
      this.received.push({ connection: connection.number, command });
      if (!this.intercept(command, connection)) this.answer(command, connection);
    });
  }

  /** The usual answer. */
  answer(command: FakeCommand, connection: FakeConnection): void {
    const { id, op, channel } = command;
    const reply = (result: object) => connection.send({ id, result });
    if (op === 'auth') reply({ session: `s${connection.number}`, user: 'u' });
    else if (op === 'subscribe') this.#subscribe(command, connection);
    else if (op === 'unsubscribe') {
      connection.channels.delete(channel);
      reply({});
    } else if (op === 'publish') reply(this.#publishOnce(command));
    else if (op === 'history') {
      const { epoch, top, publications } = this.stream(channel);
      reply({ publications, epoch, offset: top });
    } else if (op === 'ping') connection.send({ result: 'pong' });
    else connection.send({ id, code: 104, msg: 'unknown method' });
  }

  #subscribe({ id, channel, since, last }: FakeCommand, connection: FakeConnection): void {
    const { epoch, top, publications } = this.stream(channel);
    const from = since?.epoch === epoch ? since.offset : last === undefined ? top : top - last;
    const first = publications[0]?.offset ?? top + 1;
    const recovered = since?.epoch === epoch && since.offset <= top && first <= since.offset + 1;
    const replay =
      since !== undefined && since.epoch !== epoch
        ? publications
        : publications.filter((each) => each.offset > from);
    connection.channels.add(channel);
    connection.send({ id, result: { channel, epoch, offset: top, recovered, recoverable: true } });
    for (const publication of replay) connection.send({ event: channel, ...publication });
  }

  #publishOnce({ channel, data, idempotency_key: key = '' }: FakeCommand): object {
    const known = this.#keys.get(key);
    if (known !== undefined) return known;
    const result = { offset: this.publish(channel, data), epoch: this.stream(channel).epoch };
    if (key !== '') this.#keys.set(key, result);
    return result;
  }
}
