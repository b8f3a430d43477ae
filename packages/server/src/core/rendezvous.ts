/** Rendezvous: two parties who cannot see each other meet in a one-time channel, as in a login by QR code. */
import { type JsonText, limits, utf8Length } from '@carillon/protocol';
import type { Clock } from './clock.ts';
import { Deadlines } from './deadlines.ts';
import { type ReplyError, refuse } from './errors.ts';
import type { Log } from './log.ts';
import type { Publisher } from './publisher.ts';
import {
  type DrawingBrowser,
  isOpen,
  type Rendezvous,
  type RendezvousLimits,
  type RendezvousState,
  type RendezvousStore,
} from './rendezvous-store.ts';
import type { Rule } from './rules.ts';

/** Their channels begin so; no other channel may. */
export const rendezvousPrefix = 'rendezvous:';

export interface RendezvousOptions {
  readonly store: RendezvousStore;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly log: Log;
  /** Text of at least 96 random bits, safe in a URL. */
  readonly newId: () => string;
  /** How long each state may last; each step begins the time anew. */
  readonly ttlMs: number;
}

/** What the browser gets that draws one. */
export interface DrawnRendezvous {
  readonly code: string;
  readonly secret: string;
  readonly channel: string;
  /** Seconds. */
  readonly expires: number;
}

/** What the backend gets to see. */
export interface RendezvousReport {
  readonly state: RendezvousState;
  /** Seconds that are left; absent once it has ended. */
  readonly expires?: number;
  readonly browser: DrawingBrowser;
}

/** What the browser collects: the data, or how far it has come. */
export type CollectedRendezvous =
  | { readonly data: JsonText }
  | { readonly data?: never; readonly state: RendezvousState; readonly expires: number };

/** Who knows the name of such a channel may listen, also before any login: it is the login. Only the server publishes there. */
export function rendezvousRule(ttlMs: number): Rule {
  return {
    pattern: `${rendezvousPrefix}*`,
    subscribe: 'anyone',
    publish: 'nobody',
    readHistory: 'anyone',
    isSecret: true,
    // Created, scanned, confirmed, and how it ended: all of it is there for whoever comes late. Names never come again.
    retention: { size: 8, ttlMs: 4 * ttlMs, positionTtlMs: ttlMs },
  };
}

export class RendezvousDesk {
  readonly #options: RendezvousOptions;
  readonly #deadlines: Deadlines;

  constructor(options: RendezvousOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock, options.ttlMs);
  }

  /**
   * Draws a new one for a browser. `countedFor` is the address whose open rendezvous are limited.
   *
   * @throws {ReplyError} 111 too many are open.
   */
  async draw(browser: DrawingBrowser, countedFor?: string): Promise<DrawnRendezvous> {
    const { store, newId } = this.#options;
    const drawn: Rendezvous = {
      code: newId(),
      secret: newId() + newId(),
      channel: rendezvousPrefix + newId(),
      state: 'created',
      expiresAt: this.#deadline(),
      browser,
      ...(countedFor !== undefined && { countedFor }),
    };
    const limit = await store.add(drawn);
    if (limit !== undefined) throw tooMany(limit);
    await this.#took(drawn);
    const { code, secret, channel } = drawn;
    return { code, secret, channel, expires: this.#expires(drawn) };
  }

  /**
   * The code was read by a phone. `info` is shown to the browser. The same `device` may scan again and gets the same answer.
   *
   * @throws {ReplyError} 106 `info` is too large, 113 it went on already, 114 it is over.
   */
  async scan(
    code: string,
    { info, device }: { readonly info?: JsonText; readonly device?: string } = {},
  ): Promise<RendezvousReport> {
    checkSize('info', info, limits.rendezvousInfoBytes);
    const scanned = await this.#advance(code, (current) => {
      if (current.state === 'scanned' && device !== undefined && device === current.device) return current;
      if (current.state !== 'created') throw overtaken(current, 'scan');
      const next = { ...current, state: 'scanned', ...(info !== undefined && { info }) } as const;
      return device === undefined ? next : { ...next, device };
    });
    return this.#report(scanned);
  }

  /**
   * The owner of the phone agreed. `data` waits for the browser, and is never published. Without a scan before, it counts as one.
   *
   * @throws {ReplyError} 106 `data` is too large, 113 it went on already or is another device's, 114 it is over.
   */
  async confirm(
    code: string,
    { data, device }: { readonly data: JsonText; readonly device?: string },
  ): Promise<RendezvousReport> {
    checkSize('data', data, limits.rendezvousDataBytes);
    const confirmed = await this.#advance(code, (current) => {
      if (current.state !== 'created' && current.state !== 'scanned') throw overtaken(current, 'confirm');
      checkDevice(current, device);
      return { ...current, state: 'confirmed', data };
    });
    return this.#report(confirmed);
  }

  /**
   * The owner of the phone declined. Possible until the browser has collected the data.
   *
   * @throws {ReplyError} 113 it was collected or is another device's, 114 it is over.
   */
  async cancel(code: string, { device }: { readonly device?: string } = {}): Promise<RendezvousReport> {
    const cancelled = await this.#advance(code, (current) => {
      if (!isOpen(current)) throw overtaken(current, 'cancel');
      checkDevice(current, device);
      return over(current, 'cancelled');
    });
    return this.#report(cancelled);
  }

  /** How far it has come. @throws {ReplyError} 114 nobody knows of it any more. */
  async state(code: string): Promise<RendezvousReport> {
    return this.#report(await this.#current(code));
  }

  /**
   * The browser that drew it collects the data, once.
   *
   * @throws {ReplyError} 103 code and secret do not belong together, 113 it was collected before, 114 it is over.
   */
  async consume(code: string, secret: string): Promise<CollectedRendezvous> {
    // Whether there is such a code is for those to know who have its secret.
    const found = await this.#options.store.find(code);
    if (!isSame(found?.secret ?? '', secret) || found === undefined) {
      throw refuse(
        'permissionDenied',
        "there is no rendezvous with this 'code' and 'secret'; draw a new one",
      );
    }
    const current = await this.#current(code);
    if (current.state === 'created' || current.state === 'scanned') {
      return { state: current.state, expires: this.#expires(current) };
    }
    let data: JsonText = 'null';
    await this.#advance(code, (confirmed) => {
      if (confirmed.state !== 'confirmed') throw overtaken(confirmed, 'consume');
      data = confirmed.data ?? data;
      return over(confirmed, 'consumed');
    });
    return { data };
  }

  /** Makes a step that nothing else came between; `step` throws where there is none, and returns the same where none is needed. */
  async #advance(code: string, step: (current: Rendezvous) => Rendezvous): Promise<Rendezvous> {
    for (let attempt = 0; attempt < statesAtMost; attempt++) {
      const current = await this.#current(code);
      const next = step(current);
      if (next === current) {
        // The first time may have failed between the store and the broker.
        await this.#publish(current);
        return current;
      }
      const dated = { ...next, expiresAt: this.#deadline() };
      if (!(await this.#options.store.replace(dated, current.state))) continue;
      await this.#took(dated);
      return dated;
    }
    throw refuse('notAvailable', 'others change this rendezvous all the time; try again');
  }

  /** @throws {ReplyError} 114 there is none, or no longer. */
  async #current(code: string): Promise<Rendezvous> {
    const found = await this.#options.store.find(code);
    if (found === undefined)
      throw refuse('gone', 'no rendezvous has this code, or it expired; draw a new one');
    return isOpen(found) && this.#isDue(found) ? this.#expire(found) : found;
  }

  async #expire(due: Rendezvous): Promise<Rendezvous> {
    const expired = { ...over(due, 'expired'), expiresAt: this.#deadline() };
    if (!(await this.#options.store.replace(expired, due.state))) return this.#current(due.code);
    await this.#took(expired);
    return expired;
  }

  /** Sees to it that the state ends in time, and tells the browser of it. */
  #took(rendezvous: Rendezvous): Promise<void> {
    this.#deadlines.add(() => {
      this.#due(rendezvous.code).catch((error: unknown) =>
        this.#options.log.error('a rendezvous could not expire', { error }),
      );
    });
    return this.#publish(rendezvous);
  }

  async #due(code: string): Promise<void> {
    const { store } = this.#options;
    const found = await store.find(code);
    if (found === undefined || !this.#isDue(found)) return;
    if (isOpen(found)) await this.#expire(found);
    else await store.remove(code);
  }

  async #publish(rendezvous: Rendezvous): Promise<void> {
    const { channel, state, info } = rendezvous;
    const expires = isOpen(rendezvous) ? `,"expires":${this.#expires(rendezvous)}` : '';
    const shown = state === 'scanned' && info !== undefined ? `,"info":${info}` : '';
    await this.#options.publisher.publish(channel, `{"state":"${state}"${expires}${shown}}`, {
      idempotencyKey: state,
    });
  }

  #report(rendezvous: Rendezvous): RendezvousReport {
    const { state, browser } = rendezvous;
    return { state, ...(isOpen(rendezvous) && { expires: this.#expires(rendezvous) }), browser };
  }

  #deadline(): number {
    return this.#options.clock.now() + this.#options.ttlMs;
  }

  #isDue({ expiresAt }: Rendezvous): boolean {
    return expiresAt <= this.#options.clock.now();
  }

  #expires({ expiresAt }: Rendezvous): number {
    return Math.max(0, Math.ceil((expiresAt - this.#options.clock.now()) / 1_000));
  }
}

/** A step that lost against another sees a later state, and there are no more of them. */
const statesAtMost = 6;

/** The end of it: the data is gone. */
function over(rendezvous: Rendezvous, state: 'consumed' | 'expired' | 'cancelled'): Rendezvous {
  const { data: _, info: __, ...rest } = rendezvous;
  return { ...rest, state };
}

/** Why `step` cannot be made from the state that it has now. */
function overtaken({ state }: Rendezvous, step: 'scan' | 'confirm' | 'cancel' | 'consume'): ReplyError {
  switch (state) {
    case 'expired':
      return refuse('gone', 'the rendezvous has expired; draw a new one');
    case 'cancelled':
      return refuse('gone', 'the rendezvous was cancelled; draw a new one');
    case 'consumed':
      return refuse('conflict', "the rendezvous' data was collected already, and that is possible once");
    case 'confirmed':
      return refuse('conflict', `the rendezvous was confirmed already; there is nothing to ${step}`);
    default:
      return refuse('conflict', 'the code was scanned already, by another device; draw a new one');
  }
}

function checkDevice(current: Rendezvous, device: string | undefined): void {
  if (device !== undefined && current.device !== undefined && device !== current.device) {
    throw refuse('conflict', 'the code was scanned by another device, and only that one may go on');
  }
}

function checkSize(field: string, json: JsonText | undefined, max: number): void {
  if (json !== undefined && utf8Length(json) > max) {
    throw refuse('limitExceeded', `'${field}' must not be longer than ${max} bytes of JSON`);
  }
}

function tooMany(limit: keyof RendezvousLimits): ReplyError {
  return refuse(
    'tooManyRequests',
    limit === 'perAddress'
      ? 'this address has too many open rendezvous; wait until some expire, or raise rendezvous.limits.perAddress'
      : 'too many rendezvous are open on this server; wait until some expire, or raise rendezvous.limits.open',
  );
}

/** Looks at all of `shown`, so that the time taken tells nothing of where the two differ. */
function isSame(secret: string, shown: string): boolean {
  let difference = secret.length ^ shown.length;
  for (let at = 0; at < shown.length; at++) difference |= shown.charCodeAt(at) ^ (secret.charCodeAt(at) || 0);
  return difference === 0;
}
