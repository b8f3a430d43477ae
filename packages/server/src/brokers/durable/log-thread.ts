/** The main side of the log's thread: gathers what is asked while a batch is committed into the next one, and hands back the answers in order. */
import { Worker } from 'node:worker_threads';
import { limits } from '@carillon/protocol';
import type { Clock } from '../../core/clock.ts';
import { refuse } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { LogAnswer, LogMessage, LogOptions, LogRequest, NotDone } from './messages.ts';

export interface LogThreadOptions extends Pick<LogOptions, 'file' | 'maxBytes' | 'sync' | 'bootId'> {
  readonly clock: Clock;
  readonly log: Log;
  /** A string that no epoch ever had. */
  readonly newEpoch: () => string;
  /** Publications of these channels may have been committed without an answer, because the thread died. */
  readonly lost: (channels: readonly string[]) => void;
}

/** The log cannot be opened. The message is a sentence that names the file. */
export class LogFault extends Error {
  readonly code = 'ERR_LOG_UNUSABLE';
  /** Another process has it; it is free when that ends. */
  readonly isInUse: boolean;

  constructor(message: string, isInUse = false) {
    super(message);
    this.isInUse = isInUse;
  }
}

/** Somebody who waits for an answer. */
interface Asked {
  readonly request: LogRequest;
  readonly bytes: number;
  take(answer: LogAnswer): void;
  refused(error: Error): void;
}

/** Heads of channels that the thread keeps in memory, about 200 bytes each. */
const cachedHeads = 100_000;
/** After the thread died, how long until the log is opened again. */
const reopenMs = 1_000;
/** So long must writes succeed before it is told that they do again. */
const mendedMs = 10_000;

export class LogThread {
  readonly #options: LogThreadOptions;
  readonly #subscribed = new Set<string>();
  #worker: Worker | undefined;
  #waiting: Asked[] = [];
  #waitingBytes = 0;
  /** The batch that is being committed. */
  #sent: Asked[] = [];
  #isScheduled = false;
  #isClosing = false;
  #failures = 0;
  #failedAt = 0;

  constructor(options: LogThreadOptions) {
    this.#options = options;
  }

  /** @throws {LogFault} */
  async open(): Promise<void> {
    const { file, maxBytes, sync, bootId, newEpoch } = this.#options;
    const { idempotencyTtlMs, positionTtlMs } = limits;
    const bounds = { idempotencyTtlMs, positionTtlMs, cachedHeads };
    const workerData: LogOptions = { file, maxBytes, sync, bootId, freshEpoch: newEpoch(), ...bounds };
    const entry = import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js';
    const worker = new Worker(new URL(entry, import.meta.url), { workerData, name: 'log' });
    const opened = Promise.withResolvers<void>();
    worker.on('message', (message: LogMessage) => {
      if (message.kind === 'open') opened.resolve();
      else if (message.kind === 'fault')
        opened.reject(new LogFault(`the log ${file} ${message.reason}.`, message.isInUse));
      else this.#answered(message.answers);
    });
    worker.on('error', (error) => {
      opened.reject(error);
      this.#options.log.error("the log's thread failed", { error });
    });
    worker.on('exit', () => this.#exited(worker));
    try {
      await opened.promise;
    } catch (error) {
      await worker.terminate();
      throw error;
    }
    this.#worker = worker;
  }

  /**
   * Asks the thread; `take` is called with the answer in the order of asking, and what it returns is what the promise brings.
   * @throws {ReplyError} 108 the log cannot be used, or too much waits for it. Nothing took effect then.
   */
  ask<T>(request: LogRequest, take: (answer: LogAnswer) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const bytes = sizeOf(request);
      if (this.#worker === undefined) {
        reject(refuse('notAvailable', 'the log cannot be used now; try again later'));
      } else if (this.#waitingBytes + bytes > limits.logWaitingBytes) {
        reject(refuse('notAvailable', 'the disk is too slow for what is published; try again later'));
      } else {
        if (request.kind === 'subscribed') this.#note(request.channel, request.is);
        const taken = (answer: LogAnswer): void => resolve(take(answer));
        this.#waiting.push({ request, bytes, take: taken, refused: reject });
        this.#waitingBytes += bytes;
        this.#schedule();
      }
    });
  }

  /** Commits what was asked, then lets go of the file. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const worker = this.#worker;
    if (worker === undefined) return;
    const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    if (this.#sent.length === 0 && this.#waiting.length === 0) worker.postMessage('close');
    await gone;
  }

  #note(channel: string, is: boolean): void {
    if (is) this.#subscribed.add(channel);
    else this.#subscribed.delete(channel);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#sent.length > 0) return;
    this.#isScheduled = true;
    this.#options.clock.atTurnEnd(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  #send(): void {
    if (this.#worker === undefined || this.#sent.length > 0 || this.#waiting.length === 0) return;
    let [count, bytes] = [0, 0];
    for (const asked of this.#waiting) {
      if (count > 0 && (bytes + asked.bytes > limits.logBatchBytes || count >= limits.logBatchRequests))
        break;
      count += 1;
      bytes += asked.bytes;
    }
    this.#sent = this.#waiting.splice(0, count);
    this.#waitingBytes -= bytes;
    const requests = this.#sent.map(({ request }) => request);
    this.#worker.postMessage({ now: Math.floor(this.#options.clock.now()), requests });
  }

  #answered(answers: readonly (LogAnswer | NotDone)[]): void {
    const sent = this.#sent;
    this.#sent = [];
    // The thread commits the next batch while this one is handed on.
    this.#send();
    for (const [index, { request, take, refused }] of sent.entries()) {
      const answer = answers[index];
      if (isNotDone(answer)) {
        this.#fails(answer.notDone);
        refused(refuse('notAvailable', `the log ${answer.notDone}`));
      } else {
        if (this.#failures > 0 && isWrite(request)) this.#works();
        take(answer);
      }
    }
    if (this.#isClosing && this.#sent.length === 0) this.#worker?.postMessage('close');
  }

  /** A small one may still find room where others do not, so it takes a while without any failure. */
  #works(): void {
    const { log, clock } = this.#options;
    if (clock.now() - this.#failedAt < mendedMs) return;
    log.info('the log can be written again', { failures: this.#failures });
    this.#failures = 0;
  }

  #fails(reason: string): void {
    const { log, file, clock } = this.#options;
    if (this.#failures === 0)
      log.error(`the log ${reason}: publishing is refused until that is mended`, { file });
    this.#failures += 1;
    this.#failedAt = clock.now();
  }

  #exited(worker: Worker): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const asked = [...this.#sent, ...this.#waiting];
    const uncertain = this.#sent.flatMap(({ request }) =>
      request.kind === 'publish' ? [request.channel] : [],
    );
    this.#sent = [];
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const { refused } of asked)
      refused(refuse('notAvailable', 'the log failed; ask history before you repeat'));
    if (this.#isClosing) return;
    this.#options.lost([...new Set(uncertain)]);
    this.#reopenLater();
  }

  #reopenLater(): void {
    this.#options.clock.after(reopenMs, () => {
      if (this.#isClosing) return;
      this.open().then(
        () => this.#reopened(),
        (error: unknown) => {
          this.#fails(error instanceof Error ? error.message : String(error));
          this.#reopenLater();
        },
      );
    });
  }

  #reopened(): void {
    for (const channel of this.#subscribed) {
      this.ask({ kind: 'subscribed', channel, is: true }, () => undefined).catch(() => undefined);
    }
  }
}

/** What a request costs while it waits, roughly. */
function sizeOf(request: LogRequest): number {
  if (request.kind === 'publish') return request.data.length;
  return request.kind === 'put' ? (request.value?.length ?? 0) : 0;
}

function isNotDone(answer: LogAnswer | NotDone | undefined): answer is NotDone {
  return typeof answer === 'object' && answer !== null && 'notDone' in answer;
}

function isWrite({ kind }: LogRequest): boolean {
  return kind === 'publish' || kind === 'put';
}
