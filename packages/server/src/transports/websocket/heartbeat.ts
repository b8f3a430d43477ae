/** Pings for all connections of a transport, and the end of those that are silent, stalled, or slow to close. */

import { type Disconnect, disconnects } from '@carillon/protocol';
import type { Clock } from '../../core/clock.ts';
import { TimerWheel, type WheelEntry } from '../../core/timer-wheel.ts';

/** Durations of the heartbeat, in milliseconds. */
export interface HeartbeatSettings {
  readonly pingIntervalMs: number;
  /** How long after a ping anything at all must have arrived. */
  readonly pongTimeoutMs: number;
  /** How long unsent bytes may stay without any of them leaving. */
  readonly stallTimeoutMs: number;
  /** How long the peer may take to end its side, and unsent bytes to leave, once a connection is closing. */
  readonly closeTimeoutMs: number;
}

/** What a connection waits for. `idle` for its next ping, `asked` for a sign of life, `stalled` for its bytes to leave, `closing` for its end. */
export const phases = { idle: 0, asked: 1, stalled: 2, closing: 3 } as const;
export type Phase = (typeof phases)[keyof typeof phases];

/** A connection as the heartbeat sees it. The writable fields belong to the heartbeat, but for `heard`. */
export interface Pulse extends WheelEntry {
  phase: Phase;
  /** Something arrived since the last ping: set by the connection, cleared by the heartbeat. */
  heard: boolean;
  /** {@link Pulse.sentBytes} when they were last seen to rise, and the tick of that. */
  lastSent: number;
  lastSentTick: number;
  /** Nothing is being read, so its silence means nothing. */
  readonly paused: boolean;
  readonly hasUnsent: boolean;
  /** A number that rises while unsent bytes leave. */
  readonly sentBytes: number;
  ping(): void;
  /** Ends the connection because its peer is gone or does not read. */
  fail(reason: Disconnect): void;
  destroy(): void;
}

/** How often the bytes of a stalled connection are looked at within the stall timeout. */
const stallLooks = 4;
/** Ticks within the shortest duration: its relative error is at most one of them. */
const ticksOfShortest = 4;
const tickMsMin = 5;
const tickMsMax = 1_000;
/** Consecutive multiples of it, modulo 1, are spread evenly: so the first pings of connections that came together are. */
const goldenRatio = 0.618_033_988_75;

/** Holds every connection from {@link Heartbeat.opened} to {@link Heartbeat.gone}, and so is the transport's list of them too. */
export class Heartbeat<Connection extends Pulse> {
  readonly connections: TimerWheel<Connection>;
  readonly #pingTicks: number;
  readonly #pongTicks: number;
  readonly #stallTicks: number;
  readonly #closeTicks: number;
  #spread = 0;

  constructor(clock: Clock, settings: HeartbeatSettings) {
    const durations = [
      settings.pingIntervalMs,
      settings.pongTimeoutMs,
      settings.stallTimeoutMs,
      settings.closeTimeoutMs,
    ];
    const tickMs = Math.min(Math.max(Math.min(...durations) / ticksOfShortest, tickMsMin), tickMsMax);
    const wheel = new TimerWheel<Connection>(clock, tickMs, Math.max(...durations), (pulse) =>
      this.#judge(pulse),
    );
    this.connections = wheel;
    this.#pingTicks = wheel.ticks(settings.pingIntervalMs);
    this.#pongTicks = wheel.ticks(settings.pongTimeoutMs);
    this.#stallTicks = wheel.ticks(settings.stallTimeoutMs);
    this.#closeTicks = wheel.ticks(settings.closeTimeoutMs);
  }

  /** A connection is open. Its first ping comes after half an interval to a whole one, the others at the interval. */
  opened(pulse: Connection): void {
    this.#spread = (this.#spread + goldenRatio) % 1;
    pulse.phase = phases.idle;
    this.connections.schedule(pulse, Math.ceil(this.#pingTicks * (0.5 + this.#spread / 2)));
  }

  /** The connection has bytes that did not leave at once. */
  pending(pulse: Connection): void {
    if (pulse.phase === phases.closing) return;
    pulse.lastSent = pulse.sentBytes;
    pulse.lastSentTick = this.connections.now;
    const look = this.#lookTicks();
    // Only ever earlier: a connection whose bytes are pending now and then is pinged no less.
    if (pulse.dueTick <= this.connections.now + look) return;
    pulse.phase = phases.stalled;
    this.connections.schedule(pulse, look);
  }

  /** Our close frame is written, or the peer's side ended: the rest must happen in time. */
  closing(pulse: Connection): void {
    pulse.phase = phases.closing;
    this.connections.schedule(pulse, this.#closeTicks);
  }

  /** The socket is gone. */
  gone(pulse: Connection): void {
    this.connections.remove(pulse);
  }

  #judge(pulse: Connection): void {
    if (pulse.phase === phases.closing) {
      // It stays counted until the socket has said that it is gone.
      this.connections.schedule(pulse, this.#closeTicks);
      pulse.destroy();
    } else if (pulse.hasUnsent) this.#judgeStalled(pulse);
    else if (pulse.phase === phases.asked) this.#judgeAsked(pulse);
    else this.#ask(pulse);
  }

  #ask(pulse: Connection): void {
    pulse.phase = phases.asked;
    pulse.heard = false;
    this.connections.schedule(pulse, this.#pongTicks);
    pulse.ping();
  }

  #judgeAsked(pulse: Connection): void {
    const rest = this.#pingTicks - this.#pongTicks;
    if (!pulse.heard && !pulse.paused) pulse.fail(disconnects.noPong);
    else if (rest > 0) {
      pulse.phase = phases.idle;
      this.connections.schedule(pulse, rest);
    } else this.#ask(pulse);
  }

  #judgeStalled(pulse: Connection): void {
    const { now } = this.connections;
    const sent = pulse.sentBytes;
    pulse.phase = phases.stalled;
    if (sent !== pulse.lastSent) {
      pulse.lastSent = sent;
      pulse.lastSentTick = now;
    }
    const rest = pulse.lastSentTick + this.#stallTicks - now;
    if (rest <= 0) pulse.fail(disconnects.slow);
    else this.connections.schedule(pulse, Math.min(rest, this.#lookTicks()));
  }

  #lookTicks(): number {
    return Math.max(1, Math.floor(this.#stallTicks / stallLooks));
  }
}
