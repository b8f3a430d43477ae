/** Runs the hooks, and makes of what they return or throw what the server can use. */
import type { AsyncLocalStorage } from 'node:async_hooks';
import { isNestedDeeper, limits } from '@carillon/protocol';
import { outcomes } from '../messages.ts';
import { hookNames, isTold } from '../names.ts';
import { sentenceOf } from './fault.ts';
import type { Helpers } from './helpers.ts';
import type { AnyFunction } from './load.ts';
import type { Outbox } from './outbox.ts';

export interface CallsOptions {
  readonly hooks: ReadonlyMap<string, AnyFunction>;
  readonly helpers: Helpers;
  readonly outbox: Outbox;
  /** Says to the outside which hook is running, also while it loops. */
  readonly slot: Int32Array;
  readonly scope: AsyncLocalStorage<string>;
  /** Of the module. */
  readonly folder: string;
}

export class Calls {
  readonly #options: CallsOptions;

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  /** A text as the server sends it; see messages.ts. */
  received(text: string): void {
    const { helpers, outbox } = this.#options;
    const parts = JSON.parse(text) as (number | string | object)[];
    if (parts.length === 0) outbox.signOfLife();
    for (let at = 0; at < parts.length; at += 3) {
      const id = parts[at] as number;
      const head = parts[at + 1] as string;
      const value = parts[at + 2];
      if (id < 0) helpers.answered(-id, head, value);
      else this.#run(id, head, value);
    }
  }

  #run(id: number, name: string, event: unknown): void {
    const { hooks, helpers, slot, scope } = this.#options;
    const hook = hooks.get(name);
    Atomics.store(slot, 0, hookNames.indexOf(name as never) + 1);
    try {
      const returned = scope.run(name, () => hook?.call(undefined, event, helpers));
      if (isThenable(returned)) {
        returned.then(
          (value) => this.#returned(id, name, value),
          (error: unknown) => this.#threw(id, error),
        );
      } else this.#returned(id, name, returned);
    } catch (error) {
      this.#threw(id, error);
    } finally {
      Atomics.store(slot, 0, 0);
    }
  }

  #returned(id: number, name: string, value: unknown): void {
    const { outbox } = this.#options;
    if (value === undefined || isTold(name) || (value === null && name !== 'call')) {
      outbox.add(id, outcomes.nothing, '');
    } else if (value === false && name === 'message') outbox.add(id, outcomes.no, '');
    else {
      try {
        outbox.add(id, outcomes.answer, answerText(name, value));
      } catch (error) {
        const reason = error instanceof AnswerFault ? error.message : sentenceOf(error, this.#options.folder);
        outbox.add(id, outcomes.failed, `its answer cannot be used: ${reason}`);
      }
    }
  }

  #threw(id: number, error: unknown): void {
    const { outbox, folder } = this.#options;
    const refusal = refusalText(error);
    if (refusal === undefined) outbox.add(id, outcomes.failed, sentenceOf(error, folder));
    else outbox.add(id, outcomes.refused, refusal);
  }
}

class AnswerFault extends Error {}

/** JSON of the part of an answer that counts. @throws */
function answerText(name: string, value: unknown): string {
  const part = answerPart(name, value);
  const text: string | undefined = JSON.stringify(part);
  if (text === undefined) throw new AnswerFault('it is no JSON value');
  if (text.length > limits.hookAnswerBytes) {
    throw new AnswerFault(`it is longer than ${limits.hookAnswerBytes} bytes`);
  }
  if (isNestedDeeper(text, limits.nesting)) {
    throw new AnswerFault(`it is nested deeper than ${limits.nesting} arrays and objects`);
  }
  return text;
}

function answerPart(name: string, value: unknown): unknown {
  switch (name) {
    case 'call':
      return value;
    case 'subscribe':
      throw new AnswerFault('it must return nothing, or throw an error with a code to refuse');
    case 'publish':
    case 'message': {
      const data = isObject(value) ? value['data'] : undefined;
      if (data !== undefined) return data;
      const else_ = name === 'message' ? ' or false' : '';
      throw new AnswerFault(
        `it must return nothing, { data }${else_}, or throw an error with a code to refuse`,
      );
    }
    default:
      if (isObject(value)) return value;
      throw new AnswerFault(
        'it must return nothing, { user, info, tags, channels, expires }, or throw an error with a code to refuse',
      );
  }
}

/** What the application means to say; undefined for any other error, also for one that throws when it is read. */
function refusalText(error: unknown): string | undefined {
  try {
    return isObject(error) ? refusalOf(error) : undefined;
  } catch {
    return undefined;
  }
}

function refusalOf({ code, message }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof code !== 'number' || !Number.isInteger(code) || code < 400 || code > 1_999) return undefined;
  const text = typeof message === 'string' ? message : '';
  return JSON.stringify([code, text.slice(0, limits.hookMessageCharacters)]);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return isObject(value) && typeof value['then'] === 'function';
}
