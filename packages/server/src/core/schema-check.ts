/**
 * Publications of typed channels are checked against the channel's schema before anything else happens to them. A schema
 * checks and does not change: what is published is the text that the publisher sent.
 */
import { type JsonText, limits, type StandardIssue, type StandardSchema } from '@carillon/protocol';
import type { Clock } from './clock.ts';
import { refuse } from './errors.ts';

/** What the schema of one publication found out, or will. */
type Result = Awaited<ReturnType<StandardSchema['~standard']['validate']>>;

/**
 * One for the whole node. A schema may answer later; the publications of a channel then still go on in the order in which
 * they came, and at most {@link limits.schemaChecks} wait.
 */
export class SchemaCheck {
  readonly #clock: Clock;
  /** The last publication of a channel that waits for its schema. */
  readonly #tails = new Map<string, Promise<void>>();
  #waiting = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Returns nothing where the data fits, or a promise where that will be known later.
   * @throws {ReplyError} 107 the data does not fit, is bytes, or cannot be looked at; 108 too many checks wait, or this one takes
   * longer than {@link limits.schemaCheckMs}. Both at once or through the promise.
   */
  check(
    channel: string,
    schema: StandardSchema,
    data: JsonText,
    isBinary: boolean,
  ): Promise<void> | undefined {
    if (isBinary) throw refuse('badRequest', 'the channel has a schema and takes JSON, no bytes');
    const result = validate(schema, data);
    const before = this.#tails.get(channel);
    const isLater = isPromise(result);
    if (!isLater) judge(result);
    if (!isLater && before === undefined) return undefined;
    if (this.#waiting >= limits.schemaChecks) {
      if (isLater) result.then(undefined, () => undefined);
      throw refuse(
        'notAvailable',
        `${limits.schemaChecks} publications wait for their schemas; try again later`,
      );
    }
    return this.#after(channel, before, isLater ? this.#inTime(result) : result);
  }

  /** Waits until the channel's earlier publications are decided and `result` is there. */
  async #after(
    channel: string,
    before: Promise<void> | undefined,
    result: Result | Promise<Result>,
  ): Promise<void> {
    const decided = Promise.allSettled([result, before]).then(([found]) => {
      if (found.status === 'rejected') throw failure(found.reason);
      judge(found.value);
    });
    this.#waiting += 1;
    this.#tails.set(channel, decided);
    try {
      await decided;
    } finally {
      this.#waiting -= 1;
      if (this.#tails.get(channel) === decided) this.#tails.delete(channel);
    }
  }

  #inTime(result: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(limits.schemaCheckMs, () =>
        reject(
          refuse('notAvailable', `the channel's schema did not answer within ${limits.schemaCheckMs} ms`),
        ),
      );
      result.then(resolve, reject).finally(cancel);
    });
  }
}

function validate(schema: StandardSchema, data: JsonText): Result | Promise<Result> {
  try {
    return schema['~standard'].validate(JSON.parse(data));
  } catch (error) {
    throw failure(error);
  }
}

/** Why a schema came to no result: its own fault, but where the stack ran out the data goes deeper than it can follow. */
function failure(error: unknown): unknown {
  if (!(error instanceof RangeError)) return error;
  return refuse('badRequest', "'data' is nested too deep for the channel's schema");
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { readonly then?: unknown }).then === 'function';
}

function judge({ issues }: Result): void {
  if (issues === undefined) return;
  const told = issues.slice(0, limits.schemaIssues).map(sentence);
  const more = issues.length - told.length;
  if (more > 0) told.push(`and ${more} more`);
  throw refuse('badRequest', told.join('; ') || "'data' does not fit the channel's schema");
}

/** `'data.items[2].price' Expected number`, of bounded length: path and message may hold what the publisher sent. */
function sentence({ path = [], message }: StandardIssue): string {
  const where = path
    .map((part) => (typeof part === 'object' ? part.key : part))
    .reduce<string>((text, key) => text + member(key), 'data');
  return `'${short(where)}': ${short(message)}`;
}

function member(key: PropertyKey): string {
  if (typeof key === 'number') return `[${key}]`;
  const name = String(key);
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

function short(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
