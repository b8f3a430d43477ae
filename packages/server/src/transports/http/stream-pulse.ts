/** Heartbeats for all streams of a transport, and the end of those that do not take their bytes. One timer for all. */
import { limits } from '@carillon/protocol';
import type { Clock } from '../../core/clock.ts';
import { TimerWheel, type WheelEntry } from '../../core/timer-wheel.ts';

/** A stream as the pulse sees it. */
export interface PulsedStream extends WheelEntry {
  /** The tick of the last write, or of the last sign that unsent bytes leave. */
  movedTick: number;
  /** {@link PulsedStream.sentBytes} when they were last looked at. */
  lastSent: number;
  readonly isEnded: boolean;
  readonly hasUnsent: boolean;
  /** A number that rises while unsent bytes leave. */
  readonly sentBytes: number;
  /** Writes a heartbeat. */
  beat(): void;
  destroy(): void;
}

/** Silence after which a heartbeat is due. Most proxies give up after 30 s or 60 s. */
const heartbeatMs = 15_000;
const tickMs = 1_000;

export class StreamPulse<Stream extends PulsedStream> {
  readonly streams: TimerWheel<Stream>;
  readonly #heartbeatTicks: number;
  readonly #stallTicks: number;
  readonly #closeTicks: number;

  constructor(clock: Clock, stallTimeoutMs: number) {
    this.streams = new TimerWheel(clock, tickMs, heartbeatMs, (stream) => this.#judge(stream));
    this.#heartbeatTicks = this.streams.ticks(heartbeatMs);
    this.#stallTicks = this.streams.ticks(stallTimeoutMs);
    this.#closeTicks = this.streams.ticks(limits.closeMs);
  }

  /** In ticks. */
  get now(): number {
    return this.streams.now;
  }

  opened(stream: Stream): void {
    stream.movedTick = this.now;
    this.streams.schedule(stream, this.#heartbeatTicks);
  }

  closing(stream: Stream): void {
    this.streams.schedule(stream, this.#closeTicks);
  }

  gone(stream: Stream): void {
    this.streams.remove(stream);
  }

  #judge(stream: Stream): void {
    if (stream.isEnded) {
      // It stays counted until the socket has said that it is gone.
      this.streams.schedule(stream, this.#closeTicks);
      stream.destroy();
    } else if (stream.hasUnsent) this.#judgeStalled(stream);
    else {
      const silence = this.now - stream.movedTick;
      if (silence >= this.#heartbeatTicks) stream.beat();
      this.streams.schedule(
        stream,
        silence >= this.#heartbeatTicks ? this.#heartbeatTicks : this.#heartbeatTicks - silence,
      );
    }
  }

  #judgeStalled(stream: Stream): void {
    const sent = stream.sentBytes;
    if (sent !== stream.lastSent) {
      stream.lastSent = sent;
      stream.movedTick = this.now;
    }
    const rest = stream.movedTick + this.#stallTicks - this.now;
    this.streams.schedule(stream, Math.max(1, Math.min(rest, this.#heartbeatTicks)));
    if (rest <= 0) stream.destroy();
  }
}
