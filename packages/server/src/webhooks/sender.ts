/** One attempt to deliver a batch: signs it, sends it, and says what became of it. */
import type { Agent } from 'node:http';
import { limits } from '@carillon/protocol';
import type { Clock } from '../core/clock.ts';
import { ask, connectionsTo } from '../outbound/request.ts';
import { type Batch, bodyOf } from './batch.ts';
import { signedHeaders, signingKey } from './signature.ts';
import { judge, type Verdict } from './verdict.ts';

/** The part of a webhook's settings that a request is made of. */
export interface SenderOptions {
  /** `http:` or `https:`. */
  readonly url: string;
  /** Each signs; none: requests are not signed. */
  readonly secrets: readonly string[];
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Sockets beyond the one that is used: those of answers whose bodies do not end. */
const sockets = 8;

export class Sender {
  /** Without its query, which may hold a key. */
  readonly shownUrl: string;
  readonly #url: URL;
  readonly #clock: Clock;
  readonly #agent: Agent;
  #options: SenderOptions;
  #keys: readonly Buffer[];

  constructor(options: SenderOptions, clock: Clock) {
    this.#url = new URL(options.url);
    this.shownUrl = this.#url.origin + this.#url.pathname;
    this.#clock = clock;
    this.#agent = connectionsTo(this.#url, sockets);
    this.#options = options;
    this.#keys = options.secrets.map(signingKey);
  }

  /** From the next attempt on; the URL stays. */
  configure(options: SenderOptions): void {
    this.#options = options;
    this.#keys = options.secrets.map(signingKey);
  }

  get isSigning(): boolean {
    return this.#keys.length > 0;
  }

  /** Never rejects. */
  async send(batch: Batch): Promise<Verdict> {
    const body = bodyOf(batch);
    const { timeoutMs, headers } = this.#options;
    try {
      const { status, retryAfter } = await ask({
        url: this.#url,
        method: 'POST',
        headers: {
          Accept: '*/*',
          'User-Agent': 'carillon',
          ...headers,
          'Content-Type': 'application/json',
          'Content-Length': String(Buffer.byteLength(body)),
          ...signedHeaders(batch.id, body, this.#keys, this.#clock.now()),
        },
        body,
        agent: this.#agent,
        timeoutMs,
        maxBytes: limits.webhookAnswerBytes,
        statusOnly: true,
        clock: this.#clock,
      });
      return judge(status, retryAfter, this.#clock.now());
    } catch (error) {
      return { kind: 'again', afterMs: 0, reason: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Cuts what is under way. */
  close(): void {
    this.#agent.destroy();
  }
}
