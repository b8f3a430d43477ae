/** How often a client address may connect: what a limit on open connections does not see, because they are closed again. */
import type { Clock } from '../core/clock.ts';
import { tooMany } from '../core/errors.ts';
import { type Rate, RateLimiter } from '../core/rate.ts';
import type { ClientAddresses } from './address.ts';

export class AddressRates {
  readonly #addresses: ClientAddresses;
  readonly #connections: RateLimiter | undefined;

  /** `connections`: absent: no limit. */
  constructor(clock: Clock, addresses: ClientAddresses, connections: Rate | undefined) {
    this.#addresses = addresses;
    this.#connections = connections && new RateLimiter(clock, connections);
  }

  /** Call for a WebSocket or a stream that is about to be opened. @throws {ReplyError} 111 (429) */
  connecting(address: string): void {
    const limiter = this.#connections;
    if (limiter === undefined) return;
    const bucket = this.#addresses.bucketOf(address);
    if (bucket === undefined) return;
    const waitMs = limiter.take(bucket);
    if (waitMs > 0) throw tooMany(limiter.rate, 'connections of one address', waitMs);
  }
}
