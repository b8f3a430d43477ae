/** The server API as the run uses it: what is published, and what the server has at the end. */
import { Agent } from 'node:http';
import { ask } from './http.ts';
import type { Kept } from './truth.ts';

export interface Place {
  readonly epoch: string;
  readonly offset: number;
}

/** One page of a history. */
const pageSize = 1_000;
const mostPages = 10_000;

export class Api {
  readonly #port: number;
  readonly #key: string;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(port: number, key: string) {
    this.#port = port;
    this.#key = key;
  }

  /** Undefined where nothing, or only "not now", was answered: then it may or may not have been published. @throws {Error} a refusal. */
  async publish(channel: string, data: object, idempotencyKey: string): Promise<Place | undefined> {
    const body = { channel, data, idempotency_key: idempotencyKey };
    const result = await this.#call('publish', body, 5_000);
    return result === undefined ? undefined : placeOf(result);
  }

  /** Everything that a channel keeps. @throws {Error} the server does not answer. */
  async history(channel: string): Promise<Kept> {
    const publications: { readonly id: string; readonly offset: number }[] = [];
    let since: Place | undefined;
    for (let page = 0; page < mostPages; page++) {
      const answer = await this.#call('history', { channel, limit: pageSize, since }, 30_000);
      if (answer === undefined) throw new Error(`the history of ${channel} could not be read`);
      const top = placeOf(answer);
      const found = answer['publications'] as readonly { offset: number; data: { id: string } }[];
      for (const { offset, data } of found) publications.push({ offset, id: data.id });
      since = { epoch: top.epoch, offset: publications.at(-1)?.offset ?? 0 };
      if (found.length === 0 || since.offset >= top.offset) return { ...top, publications };
    }
    throw new Error(`the history of ${channel} has no end`);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #call(
    method: string,
    params: object,
    timeoutMs: number,
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    const answer = await ask({
      port: this.#port,
      path: `/v1/${method}`,
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${this.#key}` },
      body: JSON.stringify(params),
      timeoutMs,
      agent: this.#agent,
    });
    // 503 is what a server that ends answers.
    if (answer === undefined || answer.status === 503) return undefined;
    const { result } = JSON.parse(answer.text) as { result?: Record<string, unknown> };
    if (answer.status === 200 && result !== undefined) return result;
    throw new Error(`${method} was answered ${answer.status} ${answer.text.slice(0, 300)}`);
  }
}

function placeOf(result: Readonly<Record<string, unknown>>): Place {
  const { epoch, offset } = result;
  if (typeof epoch === 'string' && typeof offset === 'number') return { epoch, offset };
  throw new Error(`an answer has no position: ${JSON.stringify(result).slice(0, 300)}`);
}
