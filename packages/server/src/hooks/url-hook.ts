/** A hook that is a backend: each event is a request to it, and its answer is the hook's. */
import type { Agent } from 'node:http';
import { compactSlice, isJson, isNestedDeeper, type JsonText, limits, memberSlice } from '@carillon/protocol';
import type { Clock } from '../core/clock.ts';
import { ask, connectionsTo, type HttpAnswer, HttpFault, jsonHeaders } from '../outbound/request.ts';
import { Turns } from '../outbound/turns.ts';
import { isTold } from './names.ts';
import type { Settled } from './settled.ts';
import type { UrlHookSettings } from './source.ts';

export interface UrlHookOptions extends UrlHookSettings {
  readonly name: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

export class UrlHook {
  readonly #options: UrlHookOptions;
  readonly #url: URL;
  readonly #agent: Agent;
  readonly #turns: Turns;
  #inFlight = 0;
  #whenDone: (() => void) | undefined;

  constructor(options: UrlHookOptions) {
    this.#options = options;
    this.#url = new URL(options.url);
    const { hookUrlsAtOnce, hookUrlsWaiting } = limits;
    this.#agent = connectionsTo(this.#url, hookUrlsAtOnce);
    this.#turns = new Turns({ atOnce: hookUrlsAtOnce, waiting: hookUrlsWaiting, clock: options.clock });
  }

  /** Never rejects. `event` is JSON. */
  async ask(event: JsonText): Promise<Settled> {
    const { clock, name, timeoutMs } = this.#options;
    const endsAt = clock.now() + timeoutMs;
    this.#inFlight += 1;
    try {
      if (!(await this.#turns.take(timeoutMs))) {
        const reason = `${limits.hookUrlsAtOnce} requests are under way and none has ended in time`;
        return { outcome: 'unavailable', isGuilty: true, reason };
      }
      try {
        const body = `{"hook":"${name}","event":${event}}`;
        return settledOf(name, await this.#post(body, Math.max(1, Math.ceil(endsAt - clock.now()))));
      } finally {
        this.#turns.leave();
      }
    } catch (error) {
      if (!(error instanceof HttpFault)) return { outcome: 'failed', reason: String(error) };
      const reason = `${this.#shownUrl()}: ${error.message}`;
      if (clock.now() >= endsAt) return { outcome: 'late', reason };
      return { outcome: 'unavailable', isGuilty: true, reason };
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#whenDone?.();
    }
  }

  /** Lets go of the connections once the requests are answered. */
  async retire(): Promise<void> {
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#whenDone = resolve;
      });
    }
    this.close();
  }

  close(): void {
    this.#turns.close();
    this.#agent.destroy();
  }

  #post(body: string, timeoutMs: number): Promise<HttpAnswer> {
    return ask({
      url: this.#url,
      method: 'POST',
      headers: jsonHeaders(body, this.#options.headers),
      body,
      agent: this.#agent,
      timeoutMs,
      maxBytes: limits.hookAnswerBytes,
      wantsRefusals: true,
      clock: this.#options.clock,
    });
  }

  /** A query may hold a key. */
  #shownUrl(): string {
    return this.#url.origin + this.#url.pathname;
  }
}

/** @throws {HttpFault} the answer is none that was agreed on. */
function settledOf(name: string, { status, body }: HttpAnswer): Settled {
  if (status === 204) return { outcome: 'nothing' };
  if (status !== 200) return refusal(status, body);
  if (isTold(name) || body.trim() === '') return { outcome: 'nothing' };
  if (!isJson(body)) throw new HttpFault('the answer is not JSON');
  const answer: unknown = JSON.parse(body);
  if (answer === null) return { outcome: 'nothing' };
  if (answer === false && name === 'message') return { outcome: 'no' };
  if (!isObject(answer)) throw new HttpFault('the answer is no JSON object');
  if (Object.keys(answer).length === 0) return { outcome: 'nothing' };
  return answered(name, answer, body);
}

function answered(name: string, answer: Readonly<Record<string, unknown>>, body: string): Settled {
  switch (name) {
    case 'connect':
    case 'auth':
      return { outcome: 'answer', text: body };
    case 'publish':
    case 'message':
      return { outcome: 'answer', text: member('data', answer, body) };
    case 'call':
      return { outcome: 'answer', text: member('result', answer, body) };
    default:
      return { outcome: 'failed', reason: 'its answer cannot be used: it must be {}, or a refusal' };
  }
}

/** As it was written, numbers beyond 2^53 too. */
function member(key: string, answer: Readonly<Record<string, unknown>>, body: string): JsonText {
  const slice = memberSlice(body, key);
  if (slice === undefined || answer[key] === undefined) {
    throw new HttpFault(`the answer has no '${key}'; answer {} to change nothing`);
  }
  const text = compactSlice(body, slice);
  if (isNestedDeeper(text, limits.nesting)) throw new HttpFault(`'${key}' is nested too deep`);
  return text;
}

/** The application's own, or none that means anything here. @throws {HttpFault} */
function refusal(status: number, body: string): Settled {
  const answer: unknown = isJson(body) ? JSON.parse(body) : undefined;
  if (isObject(answer)) {
    const { code, message } = answer;
    if (typeof code === 'number' && Number.isInteger(code) && code >= 400 && code <= 1_999) {
      const text = typeof message === 'string' ? message : '';
      return { outcome: 'refused', code, message: text.slice(0, limits.hookMessageCharacters) };
    }
  }
  throw new HttpFault(`status ${status}`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
