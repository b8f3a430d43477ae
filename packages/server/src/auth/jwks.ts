/** The keys behind a JWKS URL: asked for when they are needed, and never more often than the cooldown allows. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { limits } from '@carillon/protocol';
import {
  type CryptoKey,
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
} from 'jose';
import type { Clock } from '../core/clock.ts';
import { type ReplyError, refuse } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { Availability } from '../outbound/availability.ts';
import { ask, HttpFault } from '../outbound/request.ts';

/** How often a server without any key asks for some. */
const firstCooldownMs = 1_000;

export class RemoteKeys {
  readonly #url: URL;
  readonly #clock: Clock;
  readonly #agent: HttpAgent;
  readonly #availability: Availability;
  #keys: ReturnType<typeof createLocalJWKSet> | undefined;
  #renewedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  /** The request that is under way. */
  #renewal: Promise<void> | undefined;

  constructor(url: string, clock: Clock, log: Log) {
    this.#url = new URL(url);
    this.#clock = clock;
    this.#agent = this.#url.protocol === 'https:' ? new HttpsAgent() : new HttpAgent();
    this.#availability = new Availability('the key set', this.#url, log);
  }

  /**
   * The key that a token names. Asks for the keys anew where they have grown old or do not have it; old ones stay in use while
   * there are no newer.
   *
   * @throws {ReplyError} 108 when it may be a key that cannot be asked for now.
   * @throws {errors.JOSEError} when there is no such key, or several that may be meant.
   */
  async find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    if (this.#clock.now() >= this.#renewedAt + limits.jwksTtlMs) await this.#renew();
    if (this.#keys === undefined) throw notNow();
    try {
      return await this.#keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#renew();
      return await this.#again(header, token);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #again(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    if (this.#keys === undefined) throw notNow();
    try {
      return await this.#keys(header, token);
    } catch (error) {
      const mayBeNew = error instanceof errors.JWKSNoMatchingKey && this.#availability.isDown;
      throw mayBeNew ? notNow() : error;
    }
  }

  /** Resolves when that has come to an end, or at once where it is too early for another request. */
  async #renew(): Promise<void> {
    const cooldownMs = this.#keys === undefined ? firstCooldownMs : limits.jwksCooldownMs;
    if (this.#renewal === undefined && this.#clock.now() >= this.#triedAt + cooldownMs) {
      this.#triedAt = this.#clock.now();
      this.#renewal = this.#fetch().finally(() => {
        this.#renewal = undefined;
      });
    }
    await this.#renewal;
  }

  async #fetch(): Promise<void> {
    try {
      const { status, body } = await ask({
        url: this.#url,
        method: 'GET',
        headers: { Accept: 'application/json', 'User-Agent': 'carillon' },
        agent: this.#agent,
        timeoutMs: limits.jwksTimeoutMs,
        maxBytes: limits.jwksBytes,
        clock: this.#clock,
      });
      if (status !== 200) throw new HttpFault(`status ${status}`);
      // The library checks the shape.
      this.#keys = createLocalJWKSet(JSON.parse(body) as JSONWebKeySet);
      this.#renewedAt = this.#clock.now();
      this.#availability.up();
    } catch (error) {
      this.#availability.down(error instanceof HttpFault ? error.message : 'the answer is no key set');
    }
  }
}

function notNow(): ReplyError {
  return refuse('notAvailable', 'the token cannot be checked now; try again later');
}
