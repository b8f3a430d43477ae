/**
 * Native sessions over plain HTTP, at whichever worker a request for one arrives: the worker that has the session does what was
 * asked, and alone compares its secret. A session of this worker's own is reached without the link.
 */
import { limits } from '@carillon/protocol';
import type { Clock } from '../core/clock.ts';
import { refuse } from '../core/errors.ts';
import { inTime } from '../core/in-time.ts';
import type { Calls, Remote } from '../link/calls.ts';
import type { Peers } from './peers.ts';
import { workerOf } from './session-ids.ts';
import { ifThere } from './spread.ts';

/** What a request shows to reach a session. */
export interface SessionKey {
  readonly session: string;
  readonly secret: string;
}

type Delivery = 'taken' | 'unknown' | 'full';

/** What requests want of a session. Where it is not known, or the secret is another: undefined, `unknown`, false. */
export interface SessionRequests {
  poll(key: SessionKey, ack: number, waitMs: number, gone: AbortSignal): Promise<Buffer | undefined>;
  deliver(key: SessionKey, frames: readonly string[]): Promise<Delivery>;
  end(key: SessionKey): Promise<boolean>;
}

/** What workers do for each other under the name `native`. */
export interface NativeVerbs {
  /** `wait`: names this poll, for `forget`. */
  poll(wait: string, key: SessionKey, ack: number, waitMs: number): Promise<Buffer | undefined>;
  /** Nobody waits for this poll any more. */
  forget(wait: string): void;
  deliver(key: SessionKey, frames: readonly string[]): Promise<Delivery>;
  end(key: SessionKey): Promise<boolean>;
}

export interface SpreadSessionsOptions {
  /** The sessions of this worker. */
  readonly local: SessionRequests;
  readonly peers: Pick<Peers, 'id' | 'at'>;
  readonly clock: Clock;
}

export class SpreadSessions implements SessionRequests {
  readonly #local: SessionRequests;
  readonly #peers: Pick<Peers, 'id' | 'at'>;
  readonly #clock: Clock;
  #lastWait = 0;

  constructor({ local, peers, clock }: SpreadSessionsOptions) {
    this.#local = local;
    this.#peers = peers;
    this.#clock = clock;
  }

  /** Lets other workers reach the sessions of this one. */
  offer(calls: Calls): void {
    calls.offer<NativeVerbs>('native', new OwnedSessions(this.#local), ['poll', 'forget', 'deliver', 'end']);
  }

  /** @throws {ReplyError} 107 where `ack` cannot be; 108 where the worker that has the session does not answer. */
  async poll(key: SessionKey, ack: number, waitMs: number, gone: AbortSignal): Promise<Buffer | undefined> {
    const owner = this.#ownerOf(key);
    if (owner === 'here') return this.#local.poll(key, ack, waitMs, gone);
    if (owner === 'nowhere') return undefined;
    this.#lastWait += 1;
    const wait = `${this.#peers.id}.${this.#lastWait}`;
    const verbs = this.#there(key);
    const answer = ifThere(verbs.poll(wait, key, ack, waitMs), undefined);
    const forget = (): void => void verbs.forget(wait).catch(() => undefined);
    gone.addEventListener('abort', forget, { once: true });
    try {
      return await this.#inTime(answer, waitMs + limits.workerAnswerMs, key);
    } finally {
      gone.removeEventListener('abort', forget);
    }
  }

  async deliver(key: SessionKey, frames: readonly string[]): Promise<Delivery> {
    const owner = this.#ownerOf(key);
    if (owner === 'here') return this.#local.deliver(key, frames);
    if (owner === 'nowhere') return 'unknown';
    return ifThere<Delivery>(this.#there(key).deliver(key, frames), 'unknown');
  }

  /** @throws {ReplyError} 108 where the worker that has the session does not answer. */
  async end(key: SessionKey): Promise<boolean> {
    const owner = this.#ownerOf(key);
    if (owner === 'here') return this.#local.end(key);
    if (owner === 'nowhere') return false;
    return this.#inTime(ifThere(this.#there(key).end(key), false), limits.workerAnswerMs, key);
  }

  /** The worker that has it, which may take its time. */
  #there({ session }: SessionKey): Remote<NativeVerbs> {
    return this.#peers.at<NativeVerbs>(session, 'native', { isHeld: true });
  }

  #ownerOf({ session }: SessionKey): 'here' | 'elsewhere' | 'nowhere' {
    const worker = workerOf(session);
    if (worker === undefined) return 'nowhere';
    return worker === this.#peers.id ? 'here' : 'elsewhere';
  }

  #inTime<Answer>(answer: Promise<Answer>, ms: number, { session }: SessionKey): Promise<Answer> {
    return inTime(answer, ms, this.#clock, () =>
      refuse('notAvailable', `worker ${workerOf(session)} does not answer; try again`),
    );
  }
}

/** This worker's sessions as the others ask for them. */
class OwnedSessions implements NativeVerbs {
  readonly #local: SessionRequests;
  /** Polls that others hold; a session has one at a time. */
  readonly #waits = new Map<string, AbortController>();

  constructor(local: SessionRequests) {
    this.#local = local;
  }

  async poll(wait: string, key: SessionKey, ack: number, waitMs: number): Promise<Buffer | undefined> {
    const gone = new AbortController();
    this.#waits.set(wait, gone);
    try {
      return await this.#local.poll(key, ack, waitMs, gone.signal);
    } finally {
      this.#waits.delete(wait);
    }
  }

  forget(wait: string): void {
    this.#waits.get(wait)?.abort();
  }

  deliver(key: SessionKey, frames: readonly string[]): Promise<Delivery> {
    return this.#local.deliver(key, frames);
  }

  end(key: SessionKey): Promise<boolean> {
    return this.#local.end(key);
  }
}
