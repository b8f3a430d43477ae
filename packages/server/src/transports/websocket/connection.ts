/** One WebSocket on an upgraded socket: frames in, finished bytes out, and an orderly end. */
import type { Socket } from 'node:net';
import type { Disconnect } from '@carillon/protocol';
import type { Connection, ConnectionListener } from '../../core/connection.ts';
import type { Log } from '../../core/log.ts';
import type { Wire } from '../../core/wire.ts';
import { closeFrame, pingFrame, pongFrame, textFrame } from './frame.ts';
import { ignoreError } from './handshake.ts';
import { type Heartbeat, type Phase, type Pulse, phases } from './heartbeat.ts';
import { FrameReader, type FrameSink } from './reader.ts';

/** What all connections of a transport have in common. */
export interface Surroundings {
  readonly heartbeat: Heartbeat<WebSocketConnection>;
  readonly maxFrameBytes: number;
  readonly log: Log;
  /** A connection's socket is gone. */
  gone(): void;
}

/** Leads from a socket to its connection, so that all sockets share one set of listeners. */
const connectionOf = Symbol('connection');
interface CarrierSocket extends Socket {
  [connectionOf]?: WebSocketConnection;
}

/** How much of one large write the kernel has taken, Node.js tells on the socket's handle only: bytes given to libuv, and of them left. */
interface SocketHandle {
  readonly _handle?: { readonly bytesWritten?: number; readonly writeQueueSize?: number } | null;
}

const empty = Buffer.alloc(0);
const ping = pingFrame();
const textPong = textFrame('pong');
/** A fault of the server, not of the client. */
export const internalError: Disconnect = { code: 1011, reason: 'internal error' };

export class WebSocketConnection implements Connection, FrameSink, Pulse {
  readonly wire: Wire;
  readonly #socket: Socket;
  readonly #surroundings: Surroundings;
  readonly #reader: FrameReader;
  /** Undefined before `listen`, and again once it was told `closed`. */
  #listener: ConnectionListener | undefined;
  /** Our side is ended: nothing more is written, and what still comes is thrown away. */
  #ended = false;
  /** Bytes are pending, and a callback waits behind them. */
  #pending = false;
  #pausedByCore = false;
  /** A pong is among the pending bytes: who does not read the answers is not asked for more. */
  #pausedByPong = false;

  // The heartbeat's, see Pulse.
  dueTick = 0;
  phase: Phase = phases.idle;
  heard = false;
  lastSent = 0;
  lastSentTick = 0;

  /** Takes over the socket. Nothing is handed on before this turn of the event loop ends: call `listen` within it. */
  constructor(socket: Socket, wire: Wire, surroundings: Surroundings) {
    this.wire = wire;
    this.#socket = socket;
    this.#surroundings = surroundings;
    this.#reader = new FrameReader(surroundings.maxFrameBytes);
    (socket as CarrierSocket)[connectionOf] = this;
    socket.setNoDelay(true);
    socket.setTimeout(0);
    socket.on('error', ignoreError).on('close', onClose).on('end', onEnd).on('data', onData);
    surroundings.heartbeat.opened(this);
  }

  listen(listener: ConnectionListener): void {
    this.#listener = listener;
  }

  write(bytes: Buffer): boolean {
    if (this.#ended) return true;
    const socket = this.#socket;
    socket.write(bytes);
    return socket.writableLength === 0 || this.#hasLeft();
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): boolean {
    this.#socket.uncork();
    return this.#ended || this.#hasLeft();
  }

  pause(): void {
    if (this.#ended) return;
    this.#pausedByCore = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#pausedByCore) return;
    this.#pausedByCore = false;
    this.#readOn();
  }

  close(reason: Disconnect): void {
    if (this.#ended) return;
    this.#end(closeFrame(reason.code, reason.reason));
    process.nextTick(tellClosed, this);
  }

  // FrameSink: what the reader finds.

  get halted(): boolean {
    return this.#ended || this.paused;
  }

  text(text: string): void {
    if (text === 'ping') this.#answer(textPong);
    else this.#listener?.received(text);
  }

  bytes(bytes: Buffer): void {
    this.#listener?.receivedBytes(bytes);
  }

  pinged(payload: Buffer): void {
    this.#answer(pongFrame(payload));
  }

  closing(code: number | undefined, reason: string): void {
    this.#end(closeFrame(code, reason));
    this.closed(code === undefined ? undefined : { code, reason });
  }

  fault(disconnect: Disconnect): void {
    this.fail(disconnect);
  }

  // Pulse: what the heartbeat asks and does.

  get paused(): boolean {
    return this.#pausedByCore || this.#pausedByPong;
  }

  get hasUnsent(): boolean {
    return this.#socket.writableLength > 0;
  }

  get sentBytes(): number {
    const { bytesWritten, writeQueueSize } = (this.#socket as SocketHandle)._handle ?? {};
    if (bytesWritten !== undefined && writeQueueSize !== undefined) return bytesWritten - writeQueueSize;
    // Coarser: it rises when a whole write is done.
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  ping(): void {
    this.write(ping);
  }

  fail(reason: Disconnect): void {
    if (this.#ended) return;
    this.#end(closeFrame(reason.code, reason.reason));
    this.closed(reason);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  // The shared socket listeners.

  /** The socket handed over a chunk. */
  arrived(chunk: Buffer): void {
    this.heard = true;
    if (this.#ended) return;
    try {
      const taken = this.#reader.read(chunk, this);
      // Paused within the chunk: the socket keeps the rest and hands it over again when it is resumed.
      if (taken < chunk.length && !this.#ended) this.#socket.unshift(chunk.subarray(taken));
    } catch (error) {
      this.#surroundings.log.error('a WebSocket message could not be taken in', { error });
      this.fail(internalError);
    }
  }

  /** The peer ended its side: nothing more can come, and nobody waits for what we would say. */
  peerEnded(): void {
    if (!this.#ended) this.#end();
    this.closed();
  }

  socketClosed(): void {
    this.#ended = true;
    this.#surroundings.heartbeat.gone(this);
    this.closed();
    this.#surroundings.gone();
  }

  /** Tells the listener, once. */
  closed(end?: Disconnect): void {
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.closed(end);
  }

  #answer(frame: Buffer): void {
    if (this.write(frame)) return;
    this.#pausedByPong = true;
    this.#socket.pause();
  }

  /** Whether all bytes are with the kernel; if not, sees to it that `drained` follows. */
  #hasLeft(): boolean {
    const socket = this.#socket;
    // While corked nothing is handed to the kernel: `uncork` knows.
    if (socket.writableLength === 0 || socket.writableCorked > 0) return true;
    if (!this.#pending) {
      this.#awaitDrain();
      this.#surroundings.heartbeat.pending(this);
    }
    return false;
  }

  /** 'drain' comes only where 16 KiB and more were pending, so a write without bytes brings up the rear instead. */
  #awaitDrain(): void {
    this.#pending = true;
    this.#socket.write(empty, () => this.#drained());
  }

  #drained(): void {
    this.#pending = false;
    if (this.#ended) return;
    if (this.#socket.writableLength > 0) {
      this.#awaitDrain();
      return;
    }
    if (this.#pausedByPong) {
      this.#pausedByPong = false;
      this.#readOn();
    }
    this.#listener?.drained();
  }

  #readOn(): void {
    if (this.paused) return;
    // While it was paused its silence meant nothing; from here on it counts.
    this.heard = true;
    this.#socket.resume();
  }

  #end(frame?: Buffer): void {
    this.#ended = true;
    if (frame === undefined) this.#socket.end();
    else this.#socket.end(frame);
    // Reading goes on to the peer's end: unread bytes would turn our last ones into a reset.
    this.#socket.resume();
    this.#surroundings.heartbeat.closing(this);
  }
}

function onData(this: CarrierSocket, chunk: Buffer): void {
  this[connectionOf]?.arrived(chunk);
}

function onEnd(this: CarrierSocket): void {
  this[connectionOf]?.peerEnded();
}

function onClose(this: CarrierSocket): void {
  this[connectionOf]?.socketClosed();
}

function tellClosed(connection: WebSocketConnection): void {
  connection.closed();
}
