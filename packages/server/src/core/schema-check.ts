/**
 * Publications of typed channels are checked against the channel's schema before they are published. A schema checks and does
 * not change: what is published is the text that the publisher sent.
 */
import { type JsonText, limits, type StandardIssue, type StandardSchema } from '@carillon/protocol';
import type { Clock } from './clock.ts';
import { type ReplyError, refuse } from './errors.ts';
import { inTime } from './in-time.ts';

/** What the schema of one publication found out, or will. */
type Result = Awaited<ReturnType<StandardSchema['~standard']['validate']>>;

/**
 * Returns nothing where the data fits, or a promise where that will be known later.
 *
 * @throws {ReplyError} 107 the data does not fit, is bytes, or cannot be looked at; 108 the schema takes longer than
 * {@link limits.schemaCheckMs}. Both at once or through the promise.
 */
export function checkSchema(
  schema: StandardSchema,
  data: JsonText,
  isBinary: boolean,
  clock: Clock,
): Promise<void> | undefined {
  if (isBinary) throw refuse('badRequest', 'the channel has a schema and takes JSON, no bytes');
  const result = validate(schema, data);
  if (isPromise(result)) return later(result, clock);
  judge(result);
  return undefined;
}

async function later(result: Promise<Result>, clock: Clock): Promise<void> {
  try {
    judge(await inTime(result, limits.schemaCheckMs, clock, late));
  } catch (error) {
    throw failure(error);
  }
}

function late(): ReplyError {
  return refuse('notAvailable', `the channel's schema did not answer within ${limits.schemaCheckMs} ms`);
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
