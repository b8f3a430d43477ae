/** Methods of one end of a link, called from the other: what the ends offer each other besides the broker. */
import { deserialize, serialize } from 'node:v8';
import { limits } from '@carillon/protocol';
import { ReplyError, refuse } from '../core/errors.ts';
import { frame, kinds } from './frame-reader.ts';
import type { FrameStream } from './frames.ts';

/** An object of the other end: each method resolves with what that one's answers. */
export type Remote<Target> = {
  readonly [Method in keyof Target]: Target[Method] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never;
};

/** An object of the other end that answers nothing: what it is told arrives in order, unless the link ends. */
export type Told<Target> = {
  readonly [Method in keyof Target]: Target[Method] extends (...args: infer Args) => unknown
    ? (...args: Args) => void
    : never;
};

/** The names of an object's methods. */
export type MethodsOf<Target> = {
  [Name in keyof Target]: Target[Name] extends (...args: never[]) => unknown ? Name : never;
}[keyof Target] &
  string;

export interface RemoteOptions {
  /** Nothing else of the link is received before what waits for an answer has gone on: for answers that later news builds upon. */
  readonly ordered?: boolean;
}

interface Asked {
  readonly ordered: boolean;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

type Offered = ReadonlyMap<string, (...args: unknown[]) => unknown>;

export class Calls {
  readonly #stream: FrameStream;
  readonly #offered = new Map<string, Offered>();
  readonly #asked = new Map<number, Asked>();
  readonly #failed: (name: string, error: unknown) => void;
  readonly #maxBytes: number;
  #lastId = 0;

  /** `failed` hears of faults that are no refusals: the other end is only told that there was one. `maxBytes`: of a question or an answer. */
  constructor(
    stream: FrameStream,
    failed: (name: string, error: unknown) => void,
    maxBytes: number = limits.linkFrameBytes,
  ) {
    this.#maxBytes = maxBytes;
    this.#stream = stream;
    this.#failed = failed;
    stream.receive(kinds.call, (body) => this.#called(body));
    stream.receive(kinds.tell, (body) => this.#told(body));
    stream.receive(kinds.result, (body) => this.#answered(body));
    stream.receive(kinds.fault, (body) => this.#refused(body));
    stream.onEnded(() => this.#giveUp());
  }

  /** Bytes that the other end has not taken. */
  get waitingBytes(): number {
    return this.#stream.waitingBytes;
  }

  /** As {@link FrameStream.flush}. */
  flush(): void {
    this.#stream.flush();
  }

  /** As {@link FrameStream.onTaken}. */
  onTaken(taken: () => void): void {
    this.#stream.onTaken(taken);
  }

  /** Lets the other end call these methods. An answer that is a snapshot of what is told from then on must not be a promise. Arguments and results must be such that they can be cloned. */
  offer<Target extends object>(name: string, target: Target, methods: readonly MethodsOf<Target>[]): void {
    const entries = methods.map(
      (method) => [method, (target[method] as (...args: unknown[]) => unknown).bind(target)] as const,
    );
    this.#offered.set(name, new Map(entries));
  }

  /** What the other end offers under this name. Its methods reject with the other end's refusals, and with 108 when that is gone or far behind. */
  remote<Target>(name: string, { ordered = false }: RemoteOptions = {}): Remote<Target> {
    return methodsThat((method, args) => this.call(name, method, args, ordered)) as Remote<Target>;
  }

  /** As {@link Calls.remote}, for what needs no answer. */
  told<Target>(name: string): Told<Target> {
    return methodsThat((method, args) =>
      this.#stream.send(frame(kinds.tell, serialize([name, method, args]))),
    ) as Told<Target>;
  }

  call(name: string, method: string, args: readonly unknown[], ordered = false): Promise<unknown> {
    if (this.#stream.isOver) return Promise.reject(gone());
    if (this.#asked.size >= limits.linkQuestions || this.#stream.waitingBytes > limits.linkAskedBytes)
      return Promise.reject(tooMuchWaits());
    this.#lastId += 1;
    const id = this.#lastId;
    const question = serialize([id, name, method, args]);
    if (question.length > this.#maxBytes) return Promise.reject(tooLarge(this.#maxBytes));
    this.#stream.send(frame(kinds.call, question));
    return new Promise((resolve, reject) => this.#asked.set(id, { ordered, resolve, reject }));
  }

  /** Does what the other end could have asked for. */
  async perform(name: string, method: string, args: readonly unknown[]): Promise<unknown> {
    return this.#perform(name, method, args);
  }

  #perform(name: string, method: string, args: readonly unknown[]): unknown {
    const act = this.#offered.get(name)?.get(method);
    if (act === undefined) throw refuse('notAvailable', `the other end offers no ${name}.${method}`);
    return act(...args);
  }

  /** What is no promise is answered at once: before anything that is told from then on. */
  #called(body: Buffer): void {
    const [id, name, method, args] = deserialize(body) as [number, string, string, unknown[]];
    const answer = (result: unknown): void => {
      const bytes = serialize([id, result]);
      if (bytes.length > this.#maxBytes) throw tooLarge(this.#maxBytes);
      this.#stream.send(frame(kinds.result, bytes));
    };
    const fail = (error: unknown): void => {
      if (!(error instanceof ReplyError)) this.#failed(`${name}.${method}`, error);
      const { code, message, status, retryAfterMs } =
        error instanceof ReplyError ? error : refuse('internal');
      this.#stream.send(frame(kinds.fault, serialize([id, code, message, status, retryAfterMs])));
    };
    try {
      const result = this.#perform(name, method, args);
      if (result instanceof Promise) result.then(answer).catch(fail);
      else answer(result);
    } catch (error) {
      fail(error);
    }
  }

  #told(body: Buffer): void {
    const [name, method, args] = deserialize(body) as [string, string, unknown[]];
    try {
      this.#offered.get(name)?.get(method)?.(...args);
    } catch (error) {
      this.#failed(`${name}.${method}`, error);
    }
  }

  #answered(body: Buffer): void {
    const [id, result] = deserialize(body) as [number, unknown];
    const asked = this.#take(id);
    if (asked?.ordered === true) this.#stream.hold();
    asked?.resolve(result);
  }

  #refused(body: Buffer): void {
    const [id, ...refusal] = deserialize(body) as [number, ...ConstructorParameters<typeof ReplyError>];
    this.#take(id)?.reject(new ReplyError(...refusal));
  }

  #take(id: number): Asked | undefined {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    return asked;
  }

  #giveUp(): void {
    for (const { reject } of this.#asked.values()) reject(gone());
    this.#asked.clear();
  }
}

/** An object that has every method. `then` is none of them, or it would be taken for a promise. */
export function methodsThat(act: (method: string, args: unknown[]) => unknown): unknown {
  const made = new Map<string, (...args: unknown[]) => unknown>();
  return new Proxy(
    {},
    {
      get: (_, method) => {
        if (typeof method !== 'string' || method === 'then') return undefined;
        const known = made.get(method) ?? ((...args: unknown[]) => act(method, args));
        made.set(method, known);
        return known;
      },
    },
  );
}

/** The refusal of what would be asked of a process that is far behind. */
export function tooMuchWaits(): ReplyError {
  return refuse('notAvailable', 'too much waits for another process of the server; try again');
}

function tooLarge(maxBytes: number): ReplyError {
  return refuse(
    'limitExceeded',
    `what crosses between the processes of the server has at most ${maxBytes} bytes; ask for less`,
  );
}

function gone(): ReplyError {
  return refuse('notAvailable', 'the process that would answer has ended; try again');
}
