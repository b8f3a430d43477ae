/** WebSocket: upgrades requests, makes connections of them, and ends them all when the server ends. */
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Disconnect, disconnects, errorCodes, limits } from '@carillon/protocol';
import type { Clock } from '../../core/clock.ts';
import { Closing } from '../../core/closing.ts';
import type { ConnectionListener } from '../../core/connection.ts';
import type { Accept, ConnectRequest, FeedRequest, PreparedFeed, PrepareFeed } from '../../core/entry.ts';
import { ReplyError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Wire } from '../../core/wire.ts';
import { internalError, type Surroundings, WebSocketConnection } from './connection.ts';
import { type Handshake, ignoreError, type Refusal, readHandshake, refuseUpgrade } from './handshake.ts';
import { Heartbeat } from './heartbeat.ts';
import { bareWire, jsonWireFor, nativeWire, rawWire } from './wires.ts';

/** Durations in milliseconds, sizes in bytes. */
export interface WebSocketSettings {
  readonly pingIntervalMs: number;
  readonly pongTimeoutMs: number;
  readonly stallTimeoutMs: number;
  /** How long a closing connection may take before its socket is destroyed. Default 5 s. */
  readonly closeTimeoutMs?: number;
  /** A whole message, its fragments together. */
  readonly maxFrameBytes: number;
}

export interface WebSocketOptions {
  readonly accept: Accept;
  readonly prepareFeed: PrepareFeed;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: WebSocketSettings;
  /** The cookie that may hold a token. Absent: cookies are not looked at. */
  readonly cookieName?: string;
}

/** What a client of `/sub` asks for. */
export interface FeedOptions extends Pick<FeedRequest, 'channels' | 'cursor' | 'from' | 'last'> {
  /** `json`: objects with the channel's name and the offset; absent: bare data. */
  readonly format?: 'json';
}

const shuttingDown: Refusal = {
  status: errorCodes.notAvailable.status,
  code: errorCodes.notAvailable.code,
  message: 'The server is shutting down; connect again.',
};

/**
 * Origin, host and address limits are judged by the caller, before it hands over a request. The sockets come from
 * 'upgrade' of an HTTP server, with the bytes (`head`) that followed the request; from then on they belong here.
 */
export class WebSocketTransport {
  readonly #options: WebSocketOptions;
  readonly #heartbeat: Heartbeat<WebSocketConnection>;
  readonly #surroundings: Surroundings;
  /** Sockets whose feed is being prepared. */
  readonly #waiting = new Set<Socket>();
  readonly #closing: Closing<WebSocketConnection>;

  constructor(options: WebSocketOptions) {
    const { clock, log, settings } = options;
    this.#options = options;
    this.#heartbeat = new Heartbeat(clock, { closeTimeoutMs: limits.closeMs, ...settings });
    this.#closing = new Closing(clock, this.#heartbeat.connections);
    this.#surroundings = {
      heartbeat: this.#heartbeat,
      maxFrameBytes: settings.maxFrameBytes,
      log,
      gone: () => this.#closing.gone(),
    };
  }

  /** Sockets that are open, those that are closing among them. */
  get connections(): number {
    return this.#heartbeat.connections.size;
  }

  /** A client of the native protocol. `address`: the client's, as the caller determined it. */
  upgradeNative(request: IncomingMessage, socket: Duplex, head: Buffer, address: string): void {
    this.#upgrade(nativeWire, request, socket, head, address);
  }

  /** A client of a message-center path: the native protocol, with publications as bare data. */
  upgradeRaw(request: IncomingMessage, socket: Duplex, head: Buffer, address: string): void {
    this.#upgrade(rawWire, request, socket, head, address);
  }

  /** Somebody who is no client: what is said is the affair of `accept`, framing and heartbeat are as for all. */
  upgradeFor(accept: Accept, request: IncomingMessage, socket: Duplex, head: Buffer, address: string): void {
    this.#upgrade(nativeWire, request, socket, head, address, accept);
  }

  /** A client of `/sub`, or of a path mapped to it. It gets the 101 once every subscription is in force. */
  upgradeFeed(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    address: string,
    feed: FeedOptions,
  ): void {
    const entered = this.#enter(request, socket, head);
    if (entered === undefined) return;
    const { handshake } = entered;
    if (handshake.tokenTooLong) {
      refuseUpgrade(socket, refusalOf('unauthorized', 'The token is too long to be one.'));
      return;
    }
    const { format, ...wanted } = feed;
    const feedRequest = { ...connectRequest(request, handshake, address), ...wanted };
    const wire = format === 'json' ? jsonWireFor(new Set(feed.channels).size) : bareWire;
    this.#waiting.add(entered.socket);
    void this.#prepare(feedRequest).then((prepared) =>
      this.#openFeed(prepared, entered.socket, handshake.answer, wire),
    );
  }

  /**
   * Ends every connection with `reason` and takes no more. Resolves when all sockets are gone; those that are not
   * within `graceMs` are destroyed.
   */
  close(reason: Disconnect, graceMs: number): Promise<void> {
    for (const socket of this.#waiting) refuseUpgrade(socket, shuttingDown);
    this.#waiting.clear();
    return this.#closing.close(reason, graceMs);
  }

  #upgrade(
    wire: Wire,
    request: IncomingMessage,
    duplex: Duplex,
    head: Buffer,
    address: string,
    accept: Accept = this.#options.accept,
  ): void {
    const entered = this.#enter(request, duplex, head);
    if (entered === undefined) return;
    const { socket, handshake } = entered;
    const connection = this.#open(socket, handshake.answer, wire);
    if (handshake.tokenTooLong) connection.close(disconnects.invalidToken);
    else this.#listen(connection, () => accept(connection, connectRequest(request, handshake, address)));
  }

  /** Judges the request; undefined when it was refused. */
  #enter(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): { readonly socket: Socket; readonly handshake: Handshake } | undefined {
    // A request with a body comes with a stream of another kind. A socket that is gone says so only once.
    if (!(socket instanceof Socket) || socket.destroyed) {
      socket.destroy();
      return undefined;
    }
    if (head.length > 0) socket.unshift(head);
    const judged = this.#closing.hasBegun ? shuttingDown : readHandshake(request, this.#options.cookieName);
    if ('status' in judged) {
      refuseUpgrade(socket, judged);
      return undefined;
    }
    socket.on('error', ignoreError);
    return { socket, handshake: judged };
  }

  #open(socket: Socket, answer: string, wire: Wire): WebSocketConnection {
    socket.write(answer, 'latin1');
    return new WebSocketConnection(socket, wire, this.#surroundings);
  }

  /** Never rejects. */
  async #prepare(request: Parameters<PrepareFeed>[0]): Promise<PreparedFeed | Refusal> {
    try {
      return await this.#options.prepareFeed(request);
    } catch (error) {
      if (error instanceof ReplyError)
        return { status: error.status, code: error.code, message: error.message };
      this.#options.log.error('a WebSocket subscriber could not be admitted', { error });
      return refusalOf('internal', errorCodes.internal.message);
    }
  }

  #openFeed(prepared: PreparedFeed | Refusal, socket: Socket, answer: string, wire: Wire): void {
    // No longer among them: refused by `close`.
    const usable = this.#waiting.delete(socket) && !socket.destroyed;
    if ('status' in prepared) {
      if (usable) refuseUpgrade(socket, prepared);
    } else if (usable) {
      const connection = this.#open(socket, withStart(answer, prepared), wire);
      this.#listen(connection, () => prepared.open(connection));
    } else prepared.cancel();
  }

  #listen(connection: WebSocketConnection, open: () => ConnectionListener): void {
    try {
      connection.listen(open());
    } catch (error) {
      this.#options.log.error('a WebSocket could not be opened', { error });
      connection.fail(internalError);
    }
  }
}

/** The 101 of a feed, telling where it starts. */
function withStart(answer: string, { cursor, recovered }: PreparedFeed): string {
  const place = cursor === '' ? '' : `Carillon-Cursor: ${cursor}\r\n`;
  const loss = recovered === undefined ? '' : `Carillon-Recovered: ${recovered}\r\n`;
  return `${answer.slice(0, -2)}${place}${loss}\r\n`;
}

function connectRequest(
  { headers }: IncomingMessage,
  { token, device }: Handshake,
  address: string,
): ConnectRequest {
  return { address, headers, ...(token !== undefined && { token }), ...(device !== undefined && { device }) };
}

function refusalOf(name: 'unauthorized' | 'internal', message: string): Refusal {
  return { status: errorCodes[name].status, code: errorCodes[name].code, message };
}
