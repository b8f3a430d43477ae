/** JSON that comes from outside: parsed once, bounded in depth, and told apart from other text. */
import { compact, type JsonText } from '@carillon/protocol';
import { refuse } from '../core/errors.ts';

/** Arrays and objects within each other, at most. Some clients' parsers run out of stack on more. */
export const maxNesting = 512;

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
  if (isTooDeep(text)) throw tooDeep('the body');
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
  if (isTooDeep(text)) throw tooDeep('the data');
  return compact(text);
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Of text that JSON.parse accepts. Text too short to be too deep is not looked at. */
function isTooDeep(json: JsonText): boolean {
  if (json.length <= 2 * maxNesting) return false;
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const unit = json.charCodeAt(at);
    if (unit === 0x22) at = stringEnd(json, at);
    else if (unit === 0x7b || unit === 0x5b) {
      depth += 1;
      if (depth > maxNesting) return true;
    } else if (unit === 0x7d || unit === 0x5d) depth -= 1;
  }
  return false;
}

/** The closing quote of the string that opens at `start`. */
function stringEnd(json: JsonText, start: number): number {
  for (let at = start + 1; at < json.length; at++) {
    const unit = json.charCodeAt(at);
    if (unit === 0x5c) at += 1;
    else if (unit === 0x22) return at;
  }
  return json.length;
}

function tooDeep(what: string): Error {
  return refuse(
    'badRequest',
    `${what} is nested deeper than ${maxNesting} arrays and objects; make it flatter`,
  );
}
