/** One webhook: what waits for it, the one request that is under way, and what it could not be told. */
import { limits } from '@carillon/protocol';
import type { Cancel, Clock } from '../core/clock.ts';
import type { LifecycleName } from '../core/lifecycle.ts';
import type { Log } from '../core/log.ts';
import { type BackoffOptions, backoffMs } from '../outbound/backoff.ts';
import { type Batch, type DeadLetter, EventQueue, type QueuedEvent } from './batch.ts';
import { DeadLetters } from './dead-letters.ts';
import { Sender, type SenderOptions } from './sender.ts';
import type { Verdict } from './verdict.ts';

export interface WebhookOptions extends SenderOptions {
  /** Absent: everything. */
  readonly events?: readonly LifecycleName[];
  readonly batch: { readonly size: number; readonly waitMs: number };
  readonly retries: BackoffOptions & { readonly times: number };
}

export interface WebhookParts {
  readonly clock: Clock;
  readonly log: Log;
  /** A text without `.` that nothing else ever had. */
  readonly newId: () => string;
  /** Of what waits: past it the oldest become dead letters. */
  readonly queueEvents: number;
  readonly queueBytes: number;
  /** From 0 to 1; a test may know it. */
  readonly chance?: () => number;
}

/** Events, but for `failures`. All but those of this moment only rise. */
export interface WebhookFigures {
  /** That wait or are under way, at this moment. */
  readonly pending: number;
  readonly delivered: number;
  /** Attempts that did not succeed. */
  readonly failures: number;
  /** That became dead letters. */
  readonly dead: number;
  /** That are kept as dead letters at this moment. */
  readonly kept: number;
  /** That were lost: dead letters that gave way to newer ones. */
  readonly forgotten: number;
}

/** A batch that is under way, or waits for its next attempt. */
export interface Current {
  readonly batch: Batch;
  attempts: number;
  /** When the last attempt failed, and why; absent before that. */
  failed?: { readonly at: number; readonly reason: string; readonly nextAt: number };
}

export class Webhook {
  readonly sender: Sender;
  readonly deadLetters = new DeadLetters();
  readonly #parts: WebhookParts;
  readonly #queue = new EventQueue();
  /** Dead letters that are to be delivered again, before what is newer. */
  #again: Batch[] = [];
  #options: WebhookOptions;
  #current: Current | undefined;
  /** Ends the wait for more events, or for the next attempt. */
  #cancel: Cancel | undefined;
  #inHurry = false;
  #isClosed = false;
  /** Called when nothing waits any more. */
  #drained: (() => void) | undefined;
  #counts = { delivered: 0, failures: 0, dead: 0, forgotten: 0 };
  /** What the operator was told and need not be told again. */
  readonly #told = new Set<'failing' | 'dead' | 'full'>();

  constructor(options: WebhookOptions, parts: WebhookParts) {
    this.#options = options;
    this.#parts = parts;
    this.sender = new Sender(options, parts.clock);
  }

  get options(): WebhookOptions {
    return this.#options;
  }

  /** What is under way, or failed and will be tried again. */
  get current(): Readonly<Current> | undefined {
    return this.#current;
  }

  get figures(): WebhookFigures {
    const current = this.#current?.batch.events.length ?? 0;
    const pending = this.#queue.length + current + sizeOf(this.#again).events;
    return { ...this.#counts, pending, kept: this.deadLetters.events };
  }

  wants(name: LifecycleName): boolean {
    return this.#options.events?.includes(name) ?? true;
  }

  /** From the next attempt on; the URL stays. */
  configure(options: WebhookOptions): void {
    this.#options = options;
    this.#inHurry = false;
    this.#drained = undefined;
    this.sender.configure(options);
    this.#advance();
  }

  tell(event: QueuedEvent): void {
    const { queueEvents, queueBytes } = this.#parts;
    this.#queue.push(event);
    while (this.#queue.length > queueEvents || this.#queue.bytes > queueBytes) this.#giveWay();
    // While a request is under way nothing else can begin; a wait for more events goes on until there are enough.
    if (this.#current === undefined && (this.#cancel === undefined || this.#isDue())) this.#advance();
  }

  /** Delivers dead letters again, all of them or those with these ids, and tries what failed last without further delay. */
  retry(ids?: ReadonlySet<string>): { readonly letters: number; readonly events: number } {
    let { events: againEvents, bytes: againBytes } = sizeOf(this.#again);
    const letters = this.deadLetters.take(ids, ({ events, bytes }) => {
      againEvents += events.length;
      againBytes += bytes;
      return againEvents <= limits.webhookDeadEvents && againBytes <= limits.webhookDeadBytes;
    });
    this.#again.push(...letters);
    const waits = this.#current?.failed !== undefined && this.#cancel !== undefined;
    if (this.#current !== undefined && waits) this.#attempt(this.#current);
    else this.#advance();
    return { letters: letters.length, events: sizeOf(letters).events };
  }

  /** From now on no event waits for others to go with it. */
  hurry(): void {
    this.#inHurry = true;
    this.#advance();
  }

  /** Resolves when nothing waits any more, which may be never. */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve;
      this.hurry();
    });
  }

  /** Ends what is under way; whatever waits is lost. Returns how many events that are. */
  close(): number {
    this.#isClosed = true;
    this.#cancel?.();
    this.sender.close();
    return this.figures.pending;
  }

  /** Begins the next request, if there is something to send and nothing is under way. */
  #advance(): void {
    if (this.#current !== undefined || this.#isClosed) return;
    this.#cancel?.();
    this.#cancel = undefined;
    const batch = this.#next();
    if (batch !== undefined) {
      this.#current = { batch, attempts: 0 };
      this.#attempt(this.#current);
      return;
    }
    const { oldestAt } = this.#queue;
    if (oldestAt === undefined) {
      this.#told.delete('full');
      this.#drained?.();
      return;
    }
    const { clock } = this.#parts;
    const waitMs = oldestAt + this.#options.batch.waitMs - clock.now();
    this.#cancel = clock.after(waitMs, () => this.#advance());
  }

  #next(): Batch | undefined {
    const again = this.#again.shift();
    if (again !== undefined) return again;
    return this.#isDue() ? this.#take() : undefined;
  }

  #isDue(): boolean {
    const { size, waitMs } = this.#options.batch;
    const { length, bytes, oldestAt = 0 } = this.#queue;
    if (this.#inHurry || length >= size || bytes >= limits.webhookBatchBytes) return true;
    return oldestAt + waitMs <= this.#parts.clock.now();
  }

  #take(): Batch | undefined {
    return this.#queue.take(this.#parts.newId(), this.#options.batch.size, limits.webhookBatchBytes);
  }

  #attempt(current: Current): void {
    this.#cancel?.();
    this.#cancel = undefined;
    current.attempts += 1;
    void this.sender.send(current.batch).then((verdict) => {
      if (!this.#isClosed) this.#settle(current, verdict);
    });
  }

  #settle(current: Current, verdict: Verdict): void {
    if (verdict.kind === 'delivered') {
      this.#succeeded(current);
      return;
    }
    const { clock, log, chance } = this.#parts;
    const { retries } = this.#options;
    const { reason } = verdict;
    const { attempts } = current;
    this.#counts.failures += 1;
    if (verdict.kind === 'refused' || attempts > retries.times) {
      this.#current = undefined;
      this.#bury({ ...current.batch, ...told(verdict), at: clock.now(), attempts });
      this.#advance();
      return;
    }
    const waitMs = Math.max(verdict.afterMs, backoffMs(attempts, retries, chance));
    current.failed = { at: clock.now(), reason, nextAt: clock.now() + waitMs };
    this.#cancel = clock.after(waitMs, () => this.#attempt(current));
    if (this.#isNew('failing')) {
      log.warn('a webhook cannot be delivered and is tried again', { url: this.sender.shownUrl, reason });
    }
  }

  #succeeded({ batch }: Current): void {
    this.#current = undefined;
    this.#counts.delivered += batch.events.length;
    if (this.#told.has('failing') || this.#told.has('dead')) {
      this.#parts.log.info('a webhook is delivered again', { url: this.sender.shownUrl });
    }
    this.#told.delete('failing');
    this.#told.delete('dead');
    this.#advance();
  }

  /** The queue is full: what has waited longest makes room, a whole request of it. */
  #giveWay(): void {
    const batch = this.#take();
    if (batch === undefined) return;
    const { clock, log } = this.#parts;
    const reason = 'the queue was full';
    this.#keep({ ...batch, reason, at: clock.now(), attempts: 0 });
    if (this.#isNew('full')) {
      log.error('more waits for a webhook than limits allow; the oldest become dead letters', {
        url: this.sender.shownUrl,
      });
    }
  }

  #bury(letter: DeadLetter): void {
    this.#keep(letter);
    if (!this.#isNew('dead')) return;
    const { reason, attempts, id } = letter;
    this.#parts.log.error("a webhook was given up; 'webhooks_retry' delivers it again", {
      url: this.sender.shownUrl,
      reason,
      attempts,
      id,
    });
  }

  #keep(letter: DeadLetter): void {
    this.#counts.dead += letter.events.length;
    const forgotten = this.deadLetters.add(letter);
    if (forgotten > 0 && this.#counts.forgotten === 0) {
      this.#parts.log.error('dead letters of a webhook are forgotten, because there are too many', {
        url: this.sender.shownUrl,
      });
    }
    this.#counts.forgotten += forgotten;
  }

  #isNew(kind: 'failing' | 'dead' | 'full'): boolean {
    const isNew = !this.#told.has(kind);
    this.#told.add(kind);
    return isNew;
  }
}

function sizeOf(batches: readonly Batch[]): { readonly events: number; readonly bytes: number } {
  let [events, bytes] = [0, 0];
  for (const batch of batches) {
    events += batch.events.length;
    bytes += batch.bytes;
  }
  return { events, bytes };
}

function told({ reason, status }: Exclude<Verdict, { kind: 'delivered' }>): {
  reason: string;
  status?: number;
} {
  return { reason, ...(status !== undefined && { status }) };
}
