/** What one API key may do, and the refusal of what it may not. */
import { limits } from '@carillon/protocol';
import { refuse, tooMany } from '../../core/errors.ts';
import { isListed } from '../../core/pattern.ts';
import type { RateLimiter } from '../../core/rate.ts';
import type { Scope } from './permissions.ts';

export interface GrantSettings {
  /** How the refusals call the key; never the key itself. */
  readonly name?: string;
  /** Absent: everything. */
  readonly scopes?: readonly Scope[];
  /** Names and patterns; absent: every channel. */
  readonly channels?: readonly string[];
}

/** How often one key may be used. */
export interface GrantRate {
  readonly limiter: RateLimiter;
  /** What is the key's own. */
  readonly bucket: string;
}

export class Grant {
  readonly #holder: string;
  readonly #scopes: ReadonlySet<Scope> | undefined;
  /** Names and patterns; undefined: every channel. */
  readonly channels: readonly string[] | undefined;
  readonly #rate: GrantRate | undefined;

  /** `rate`: absent: no limit. */
  constructor({ name, scopes, channels }: GrantSettings, rate?: GrantRate) {
    this.#holder = name === undefined ? 'this API key' : `the API key '${name}'`;
    this.#scopes = scopes && new Set(scopes);
    this.channels = channels;
    this.#rate = rate;
  }

  /** Counts a request. @throws {ReplyError} 111 (429) */
  use(): void {
    if (this.#rate === undefined) return;
    const { limiter, bucket } = this.#rate;
    const waitMs = limiter.take(bucket);
    if (waitMs > 0) throw tooMany(limiter.rate, `requests with ${this.#holder}`, waitMs);
  }

  /** Undefined: nothing is asked for. @throws {ReplyError} 103 naming the scope that is missing. */
  requireScope(scope: Scope | undefined): void {
    if (scope === undefined || this.#scopes === undefined || this.#scopes.has(scope)) return;
    throw refuse(
      'permissionDenied',
      `${this.#holder} has no scope '${scope}'; add it to the key's 'scopes' in api.keys, or use another key`,
    );
  }

  /** @throws {ReplyError} 103 naming the channel. */
  requireChannel(channel: string): void {
    if (this.admits(channel)) return;
    throw refuse(
      'permissionDenied',
      `${this.#holder} is not for the channel '${channel.slice(0, limits.channelNameBytes)}'; add it to the key's 'channels' in api.keys, or use another key`,
    );
  }

  admits(channel: string): boolean {
    return this.channels === undefined || isListed(channel, this.channels);
  }
}
