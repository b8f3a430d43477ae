/** Where what comes from Redis becomes a publication, or is refused and counted. Nothing is dropped without a word. */
import { channelNameFault } from '@carillon/protocol';
import type { Clock } from '../../core/clock.ts';
import { ReplyError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Publisher } from '../../core/publisher.ts';
import { toPayload } from './payload.ts';

/** By which way something came. */
export type Way = 'channel' | 'stream' | 'list';

export interface DoorOptions {
  readonly publisher: Publisher;
  /** A payload with more bytes is refused. */
  readonly maxPayloadBytes: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** What came, before it is known whether it can be published. */
export interface Arrival {
  readonly way: Way;
  /** The Redis channel, stream or list, for the log. */
  readonly source: string;
  readonly channel: string;
  readonly bytes: Buffer;
  /** Names it among the redeliveries of the same. */
  readonly idempotencyKey?: string;
}

/** A log line for each refusal would let a publisher fill a disk. */
const warnEveryMs = 10_000;

export class Door {
  /** Taken and published, by way. */
  readonly received: Record<Way, number> = { channel: 0, stream: 0, list: 0 };
  /** Could not be published, and would not be on another try. */
  refused = 0;
  readonly #options: DoorOptions;
  #warnedAt = Number.NEGATIVE_INFINITY;
  #unsaid = 0;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /**
   * Publishes, or refuses and says so. In either case the arrival is done with.
   *
   * @throws {Error} when it cannot be published now: it is to be tried again, or told as lost.
   */
  async take({ way, source, channel, bytes, idempotencyKey }: Arrival): Promise<void> {
    const fault = this.#faultOf(channel, bytes);
    if (fault !== undefined) {
      this.refuse(way, source, fault);
      return;
    }
    const { data, binary } = toPayload(bytes);
    try {
      const request = {
        ...(binary && { binary }),
        ...(idempotencyKey !== undefined && { idempotencyKey }),
      };
      await this.#options.publisher.publish(channel, data, request, 'ingest');
    } catch (error) {
      if (!isFinal(error)) throw error;
      this.refuse(way, source, error.message);
      return;
    }
    this.received[way] += 1;
  }

  refuse(way: Way, source: string, reason: string): void {
    this.refused += 1;
    const { clock, log } = this.#options;
    const now = clock.now();
    if (now - this.#warnedAt < warnEveryMs) {
      this.#unsaid += 1;
      return;
    }
    log.warn('something from Redis was refused', {
      way,
      source: source.slice(0, 200),
      reason,
      ...(this.#unsaid > 0 && { sinceLastLine: this.#unsaid }),
    });
    this.#warnedAt = now;
    this.#unsaid = 0;
  }

  #faultOf(channel: string, bytes: Buffer): string | undefined {
    const { maxPayloadBytes } = this.#options;
    if (bytes.length > maxPayloadBytes)
      return `it has ${bytes.length} bytes, more than limits.apiBodyBytes (${maxPayloadBytes}) allows`;
    const fault = channelNameFault(channel);
    return fault === undefined ? undefined : `the channel name that the mapping makes ${fault}`;
  }
}

/** The publication itself is at fault, so that a second try would end alike. */
function isFinal(error: unknown): error is ReplyError {
  return error instanceof ReplyError && error.status < 500 && error.status !== 429;
}
