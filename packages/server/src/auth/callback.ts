/** Tokens that a backend judges: each is sent to it, and its answer is never kept. */
import type { Agent } from 'node:http';
import { limits } from '@carillon/protocol';
import type { Identity } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import { type ReplyError, refuse } from '../core/errors.ts';
import { IdentityFault, isFields, readIdentityAnswer } from '../core/identity.ts';
import type { Log } from '../core/log.ts';
import { Availability } from '../outbound/availability.ts';
import { ask, connectionsTo, HttpFault, jsonHeaders } from '../outbound/request.ts';
import { Turns } from '../outbound/turns.ts';
import type { Authority } from './authority.ts';

export interface CallbackOptions {
  /** `http:` or `https:`. */
  readonly url: string;
  /** For one token, the wait for its turn included. */
  readonly timeoutMs: number;
  /** Sent with each request, for example a key by which the backend knows this server. */
  readonly headers: Readonly<Record<string, string>>;
  /** Requests at once; {@link limits.authWaiting} more wait. */
  readonly concurrency: number;
}

/** How the backend says that it does not know a token. */
const refusals: ReadonlySet<number> = new Set([401, 403, 404]);

export class CallbackTokens implements Authority {
  readonly #url: URL;
  readonly #options: CallbackOptions;
  readonly #clock: Clock;
  readonly #agent: Agent;
  readonly #turns: Turns;
  readonly #availability: Availability;
  /** What is being asked, by token: who shows the same one meanwhile gets the same answer. */
  readonly #asked = new Map<string, Promise<Identity>>();

  constructor(options: CallbackOptions, clock: Clock, log: Log) {
    const { url, concurrency } = options;
    this.#url = new URL(url);
    this.#options = options;
    this.#clock = clock;
    this.#agent = connectionsTo(this.#url, concurrency);
    this.#turns = new Turns({ atOnce: concurrency, waiting: limits.authWaiting, clock });
    this.#availability = new Availability('the auth callback', this.#url, log);
  }

  authenticate(token: string): Promise<Identity> {
    const same = this.#asked.get(token);
    if (same !== undefined) return same;
    const asked = this.#judge(token).finally(() => this.#asked.delete(token));
    this.#asked.set(token, asked);
    return asked;
  }

  close(): void {
    this.#turns.close();
    this.#agent.destroy();
  }

  async #judge(token: string): Promise<Identity> {
    const endsAt = this.#clock.now() + this.#options.timeoutMs;
    if (!(await this.#turns.take(this.#options.timeoutMs))) throw notNow();
    try {
      const identity = await this.#ask(token, Math.max(1, endsAt - this.#clock.now()));
      this.#availability.up();
      return this.#accepted(identity);
    } catch (error) {
      if (!(error instanceof HttpFault) && !(error instanceof IdentityFault)) throw error;
      this.#availability.down(error.message);
      throw notNow();
    } finally {
      this.#turns.leave();
    }
  }

  /** Undefined when the backend refuses. @throws {HttpFault} @throws {IdentityFault} */
  async #ask(token: string, timeoutMs: number): Promise<Identity | undefined> {
    const body = JSON.stringify({ token });
    const { status, body: answer } = await ask({
      url: this.#url,
      method: 'POST',
      headers: jsonHeaders(body, this.#options.headers),
      body,
      agent: this.#agent,
      timeoutMs,
      maxBytes: limits.authAnswerBytes,
      clock: this.#clock,
    });
    if (refusals.has(status)) return undefined;
    if (status !== 200) throw new HttpFault(`status ${status}`);
    return readAnswer(answer, this.#clock.now());
  }

  #accepted(identity: Identity | undefined): Identity {
    if (identity === undefined) throw refuse('unauthorized');
    const { expiresAt } = identity;
    if (expiresAt !== undefined && expiresAt <= this.#clock.now()) throw refuse('tokenExpired');
    return identity;
  }
}

/** Reads `{"uid","info"?,"tags"?,"channels"?,"expires"?}`. @throws {HttpFault} @throws {IdentityFault} */
function readAnswer(json: string, now: number): Identity {
  const answer = parsed(json);
  if (!isFields(answer)) throw new HttpFault('the answer is no JSON object');
  const identity = readIdentityAnswer(answer, json, 'uid', now);
  if (identity.user === undefined) throw new IdentityFault("'uid' is missing");
  return identity;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function notNow(): ReplyError {
  return refuse('notAvailable', 'the token cannot be checked now; try again later');
}
