/** One endless answer: its head by node:http, its body as finished bytes straight to the socket, shared by all who get them. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Disconnect } from '@carillon/protocol';
import type { Connection, ConnectionListener } from '../../core/connection.ts';
import type { Wire } from '../../core/wire.ts';
import type { Framing } from './stream-format.ts';
import type { PulsedStream, StreamPulse } from './stream-pulse.ts';

/** What all streams of a transport have in common. */
export interface StreamSurroundings {
  readonly pulse: StreamPulse<StreamingConnection>;
  /** A stream's answer is over, and its socket gone or used for the next request. */
  gone(): void;
}

/** Leads from an answer to its connection, so that all answers share one listener. */
const connectionOf = Symbol('connection');
interface CarrierResponse extends ServerResponse {
  [connectionOf]?: StreamingConnection;
}

/** How much of one large write the kernel has taken, Node.js tells on the socket's handle only: bytes given to libuv, and of them left. */
interface SocketHandle {
  readonly _handle?: { readonly bytesWritten?: number; readonly writeQueueSize?: number } | null;
}

const empty = Buffer.alloc(0);

export interface StreamOptions {
  readonly res: ServerResponse;
  /** That of `res`. */
  readonly socket: Socket;
  readonly framing: Framing;
  /** How many channels the request names. */
  readonly channels: number;
  readonly farewell: (reason: Disconnect) => string;
}

export class StreamingConnection implements Connection, PulsedStream {
  readonly wire: Wire;
  readonly #options: StreamOptions;
  readonly #surroundings: StreamSurroundings;
  /** Undefined before `listen`, and again once it was told `closed`. */
  #listener: ConnectionListener | undefined;
  #ended = false;
  /** Bytes are pending, and a callback waits behind them. */
  #pending = false;

  // The pulse's, see PulsedStream.
  dueTick = 0;
  movedTick = 0;
  lastSent = 0;

  /** Takes over an answer whose head has been written. */
  constructor(options: StreamOptions, surroundings: StreamSurroundings) {
    this.wire = options.framing.wire(options.channels);
    this.#options = options;
    this.#surroundings = surroundings;
    const { res } = options;
    (res as CarrierResponse)[connectionOf] = this;
    res.on('close', onClose);
    surroundings.pulse.opened(this);
  }

  listen(listener: ConnectionListener): void {
    this.#listener = listener;
  }

  write(bytes: Buffer): boolean {
    if (this.#ended) return true;
    this.#options.socket.write(bytes);
    this.movedTick = this.#surroundings.pulse.now;
    return this.#hasLeft();
  }

  cork(): void {
    this.#options.socket.cork();
  }

  uncork(): boolean {
    this.#options.socket.uncork();
    return this.#ended || this.#hasLeft();
  }

  /** A stream takes nothing from its client. */
  pause(): void {}

  resume(): void {}

  close(reason: Disconnect): void {
    if (this.#ended) return;
    this.#ended = true;
    const { res, socket, framing, farewell } = this.#options;
    const last = framing.bytes(farewell(reason));
    if (last.length > 0) socket.write(last);
    // The end of the body; what was written before leaves before it.
    res.end();
    this.#surroundings.pulse.closing(this);
    process.nextTick(tellClosed, this);
  }

  // PulsedStream: what the pulse asks and does.

  get isEnded(): boolean {
    return this.#ended;
  }

  get hasUnsent(): boolean {
    return this.#options.socket.writableLength > 0;
  }

  get sentBytes(): number {
    const { socket } = this.#options;
    const { bytesWritten, writeQueueSize } = (socket as SocketHandle)._handle ?? {};
    if (bytesWritten !== undefined && writeQueueSize !== undefined) return bytesWritten - writeQueueSize;
    return socket.bytesWritten - socket.writableLength;
  }

  beat(): void {
    this.write(this.#options.framing.heartbeat);
  }

  destroy(): void {
    this.#options.socket.destroy();
  }

  /** The answer is over. */
  answerClosed(): void {
    this.#ended = true;
    this.#surroundings.pulse.gone(this);
    this.closed();
    this.#surroundings.gone();
  }

  /** Tells the listener, once. */
  closed(): void {
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.closed();
  }

  /** Whether all bytes are with the kernel; if not, sees to it that `drained` follows. */
  #hasLeft(): boolean {
    const { socket } = this.#options;
    // While corked nothing is handed to the kernel: `uncork` knows.
    if (socket.writableLength === 0 || socket.writableCorked > 0) return true;
    if (!this.#pending) {
      this.lastSent = this.sentBytes;
      this.#awaitDrain();
    }
    return false;
  }

  /** 'drain' comes only where 16 KiB and more were pending, so a write without bytes brings up the rear instead. */
  #awaitDrain(): void {
    this.#pending = true;
    this.#options.socket.write(empty, () => this.#drained());
  }

  #drained(): void {
    this.#pending = false;
    if (this.#ended) return;
    if (this.hasUnsent) this.#awaitDrain();
    else this.#listener?.drained();
  }
}

function onClose(this: CarrierResponse): void {
  this[connectionOf]?.answerClosed();
}

function tellClosed(connection: StreamingConnection): void {
  connection.closed();
}
