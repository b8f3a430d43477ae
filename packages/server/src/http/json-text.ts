/** JSON that comes from outside: parsed once, bounded in depth, and told apart from other text. */
import { compact, isJson, isNestedDeeper, type JsonText, limits } from '@carillon/protocol';
import { refuse } from '../core/errors.ts';

/**
 * Parses a request's body; an empty one counts as `{}`.
 *
 * @throws {ReplyError} 107 when it is not JSON, or nested too deep.
 */
export function parseBody(text: string): unknown {
  if (text === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse('badRequest', 'the body is not JSON; send one JSON object');
  }
  if (isNestedDeeper(text, limits.nesting)) throw tooDeep('the body');
  return value;
}

/**
 * What a publisher that does not say so meant: text that is JSON is that JSON, without the white space outside
 * strings; other text is a string.
 *
 * @throws {ReplyError} 107 when it is JSON nested too deep.
 */
export function asJson(text: string): JsonText {
  if (!isJson(text)) return JSON.stringify(text);
  if (isNestedDeeper(text, limits.nesting)) throw tooDeep('the data');
  return compact(text);
}

function tooDeep(what: string): Error {
  return refuse(
    'badRequest',
    `${what} is nested deeper than ${limits.nesting} arrays and objects; make it flatter`,
  );
}
