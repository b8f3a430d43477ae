/** One thread of hooks, seen from the server: it is started, asked, watched, and ended. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type JsonText, limits } from '@carillon/protocol';
import type { Clock } from '../core/clock.ts';
import { ReplyError } from '../core/errors.ts';
import { CallsInFlight } from './calls-in-flight.ts';
import { heapLimitMb, MemoryWatch } from './memory-watch.ts';
import {
  collectText,
  endText,
  isNotice,
  isSignals,
  type Notice,
  outcomes,
  type Signals,
  type ThreadData,
} from './messages.ts';
import { hookNames } from './names.ts';
import type { Settled } from './settled.ts';
import type { HookModule } from './source.ts';

/** Whom the thread belongs to. */
export interface ThreadOwner {
  /** A request to the server API. @throws {ReplyError} */
  request(method: string, params: JsonText): Promise<JsonText>;
  /** A local file is about to be read. */
  file(path: string, stamp: string): void;
  wrote(line: Extract<Notice, { type: 'log' }>): void;
  /** Something went wrong outside of any call. It still answers, and should be replaced. */
  faulty(sentence: string): void;
  /** It is gone, unasked; its calls have been settled. */
  died(sentence: string): void;
}

export interface ThreadOptions {
  readonly module: HookModule;
  readonly generation: number;
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  readonly clock: Clock;
  readonly owner: ThreadOwner;
}

/** The module cannot be used. The message is half a sentence. */
export class HookLoadFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'HookLoadFault';
  }
}

const ownEnding = extname(fileURLToPath(import.meta.url));
const entry = new URL(`./thread/entry${ownEnding}`, import.meta.url);
/** From source, the packages of the clone are their sources too. */
const execArgv = [
  '--disable-warning=ExperimentalWarning',
  ...(ownEnding === '.ts' ? ['--conditions=carillon-source'] : []),
];
const mebibyte = 1_048_576;
/** Texts to the thread are joined up to this size. */
const batchCharacters = 1_048_576;

export class HookThread {
  readonly #options: ThreadOptions;
  readonly #worker: Worker;
  readonly #running = new SharedArrayBuffer(4);
  readonly #slot = new Int32Array(this.#running);
  readonly #calls: CallsInFlight;
  readonly #memory: MemoryWatch;
  /** Resolves when the thread is no more. */
  readonly #ended: Promise<void>;
  #loaded: { resolve(hooks: string): void; reject(fault: Error): void } | undefined;
  #batch: string[] = [];
  #batchLength = 0;
  #isLeaving = false;
  /** Requests to the API that await an answer. */
  #requests = 0;
  #isGone = false;
  /** Why it ends, once that is known. */
  #reason: string | undefined;
  /** When the calls are done, nobody needs it. */
  #isRetired = false;
  #isEnding = false;
  #hasHeardOther = false;

  constructor(options: ThreadOptions) {
    this.#options = options;
    const { module, generation, memoryBytes, timeoutMs, clock } = options;
    const workerData: ThreadData = { ...module, generation, running: this.#running };
    this.#worker = new Worker(entry, {
      workerData,
      execArgv,
      name: 'hooks',
      resourceLimits: { maxOldGenerationSizeMb: heapLimitMb(memoryBytes) },
    });
    this.#calls = new CallsInFlight({
      timeoutMs,
      clock,
      ping: () => this.#worker.postMessage('[]'),
      stuck: () => this.#stuck(),
    });
    this.#memory = new MemoryWatch({
      worker: this.#worker,
      limitBytes: memoryBytes,
      clock,
      isBusy: () => this.#loaded !== undefined || this.#calls.size > 0,
      collect: () => this.#worker.postMessage(collectText),
      exceeded: () => this.#end(this.#tooMuchMemory()),
    });
    this.#worker.on('message', (message: unknown) => this.#received(message));
    this.#worker.on('error', (error: Error) => this.#failed(error));
    this.#worker.on('messageerror', (error) => this.#end(`what it says cannot be read (${error.message})`));
    this.#ended = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#gone(`it ended with ${code}`);
        resolve();
      });
    });
  }

  /** Resolves with the hooks that were found, as JSON; see messages.ts. @throws {HookLoadFault} */
  load(): Promise<string> {
    const { clock } = this.#options;
    return new Promise((resolve, reject) => {
      const late = clock.after(limits.hookLoadMs, () => {
        const seconds = limits.hookLoadMs / 1_000;
        this.#end(`it has not finished after ${seconds} s; what it waits for never comes`);
      });
      const settle = (): void => {
        // It keeps the process alive while somebody waits for it: now, and at its end.
        this.#worker.unref();
        late();
        this.#loaded = undefined;
      };
      this.#loaded = {
        resolve(hooks) {
          settle();
          resolve(hooks);
        },
        reject(fault) {
          settle();
          reject(fault);
        },
      };
    });
  }

  /** Whether it has ended, and will never answer again. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Never rejects. `event` is JSON. */
  ask(hook: string, event: string): Promise<Settled> {
    if (this.#isGone) return Promise.resolve({ outcome: 'unavailable', isGuilty: false });
    return new Promise((resolve) => {
      const id = this.#calls.add(hook, resolve);
      this.#post(`${id},"${hook}",${event}`);
    });
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  /** Ends when its calls are answered; no more are made. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    this.#endIfDone();
    await this.#ended;
  }

  /** Ends at once. */
  async terminate(): Promise<void> {
    this.#isRetired = true;
    this.#isEnding = true;
    this.#end('it was ended');
    await this.#ended;
  }

  #post(text: string): void {
    this.#batch.push(text);
    this.#batchLength += text.length;
    if (this.#batchLength > batchCharacters) this.#leave();
    else if (!this.#isLeaving) {
      this.#isLeaving = true;
      this.#options.clock.atTurnEnd(() => {
        this.#isLeaving = false;
        this.#leave();
      });
    }
  }

  #leave(): void {
    if (this.#batch.length === 0 || this.#isGone) return;
    const text = `[${this.#batch.join()}]`;
    this.#batch = [];
    this.#batchLength = 0;
    this.#worker.postMessage(text);
  }

  #received(message: unknown): void {
    this.#calls.signOfLife();
    if (isSignals(message)) this.#signals(message);
    else if (isNotice(message)) this.#noticed(message);
    else this.#heardOther();
  }

  /** A library that finds itself in a thread may speak to whoever began it. Nobody here listens. */
  #heardOther(): void {
    if (this.#hasHeardOther) return;
    this.#hasHeardOther = true;
    const message = 'hooks post messages of their own to the parentPort of their thread, which nobody reads';
    this.#options.owner.wrote({ type: 'log', level: 'warn', hook: '', message, fields: '' });
  }

  #signals(signals: Signals): void {
    for (let at = 0; at < signals.length; at += 3) {
      const id = Number(signals[at]);
      const head = signals[at + 1] ?? '';
      const text = String(signals[at + 2]);
      if (id < 0) void this.#request(id, String(head), text);
      else this.#calls.settle(id, settledOf(Number(head), text));
    }
    this.#endIfDone();
  }

  #noticed(notice: Notice): void {
    const { owner } = this.#options;
    switch (notice.type) {
      case 'loaded':
        this.#loaded?.resolve(notice.hooks);
        break;
      case 'unloadable':
        this.#end(notice.sentence);
        break;
      case 'file':
        owner.file(notice.path, notice.stamp);
        break;
      case 'log':
        owner.wrote(notice);
        break;
      case 'fault': {
        const sentence = `${notice.sentence}${begunBy(notice.hook)}`;
        if (this.#loaded === undefined) owner.faulty(sentence);
        else this.#end(sentence);
        break;
      }
      case 'collected':
        this.#memory.collected();
        break;
      case 'exit':
        this.#reason ??= `it ended itself: ${notice.sentence}${begunBy(notice.hook)}`;
    }
  }

  async #request(id: number, method: string, params: JsonText): Promise<void> {
    this.#requests += 1;
    try {
      const answer = await this.#options.owner.request(method, params);
      this.#post(`${id},"result",${answer}`);
    } catch (error) {
      const { code, message } =
        error instanceof ReplyError ? error : { code: 100, message: 'internal server error' };
      this.#post(`${id},"error",${JSON.stringify({ code, message })}`);
    } finally {
      this.#requests -= 1;
      this.#endIfDone();
    }
  }

  #endIfDone(): void {
    const isDone = this.#calls.size === 0 && this.#requests === 0;
    if (!this.#isRetired || this.#isGone || this.#isEnding || !isDone) return;
    this.#isEnding = true;
    this.#leave();
    this.#worker.ref();
    this.#worker.postMessage(endText);
    this.#options.clock.after(limits.closeMs, () => void this.#worker.terminate());
  }

  #stuck(): void {
    const { timeoutMs } = this.#options;
    this.#end(
      `it has not come back for ${timeoutMs / 1_000} s, as in a loop without end${this.#whileRunning()}`,
    );
  }

  #failed(error: Error & { readonly code?: string }): void {
    if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') this.#reason ??= this.#tooMuchMemory();
    else this.#reason ??= `it failed: ${error.message}`;
  }

  #tooMuchMemory(): string {
    const most = this.#options.memoryBytes / mebibyte;
    return `it needs more memory than ${most} MiB (limits.hookMemoryBytes)${this.#whileRunning()}`;
  }

  #whileRunning(): string {
    const running = this.#runningHook();
    if (running !== undefined) return `, while the hook '${running}' was running`;
    const names = this.#calls.hooks();
    return names.length === 0
      ? ''
      : `, while ${names.map((name) => `'${name}'`).join(', ')} awaited something`;
  }

  #runningHook(): string | undefined {
    return hookNames[Atomics.load(this.#slot, 0) - 1];
  }

  #end(reason: string): void {
    this.#reason ??= reason;
    this.#gone(reason);
    this.#worker.ref();
    void this.#worker.terminate();
  }

  #gone(reason: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#memory.close();
    const sentence = this.#reason ?? `${reason}${this.#whileRunning()}`;
    const running = this.#runningHook();
    const guilty = running ?? (this.#calls.hooks().length === 1 ? this.#calls.hooks()[0] : undefined);
    const wasLoading = this.#loaded !== undefined;
    this.#loaded?.reject(new HookLoadFault(sentence));
    this.#calls.close((hook) => ({
      outcome: 'unavailable',
      isGuilty: hook === guilty,
    }));
    if (!wasLoading && !this.#isEnding) this.#options.owner.died(sentence);
  }
}

function begunBy(hook: string): string {
  return hook === '' ? '' : `, begun by the hook '${hook}'`;
}

function settledOf(outcome: number, text: string): Settled {
  switch (outcome) {
    case outcomes.nothing:
      return { outcome: 'nothing' };
    case outcomes.answer:
      return { outcome: 'answer', text };
    case outcomes.no:
      return { outcome: 'no' };
    case outcomes.refused: {
      const [code, message] = JSON.parse(text) as [number, string];
      return { outcome: 'refused', code, message };
    }
    default:
      return { outcome: 'failed', reason: text };
  }
}
