/**
 * JSON text by slices: finds the parts of a document without building values, so that published data stays exactly
 * as it was written (numbers beyond 2^53, key order). Every function but {@link isJson} takes text that JSON.parse has
 * accepted; on other text the answers mean nothing.
 */
import type { JsonText } from './messages.ts';

/** Where a value stands in its document: from `start` up to, not including, `end`. */
export interface Slice {
  readonly start: number;
  readonly end: number;
}

const quote = 0x22;
const backslash = 0x5c;

/**
 * The member `name` of the object that begins at `start`, as JSON.parse would choose it: of several with one name, the
 * last. Undefined when the value is no object or has no such member.
 */
export function memberSlice(json: JsonText, name: string, start = 0): Slice | undefined {
  let at = skipSpace(json, start);
  if (json.charCodeAt(at) !== 0x7b) return undefined;
  let found: Slice | undefined;
  at = skipSpace(json, at + 1);
  while (json.charCodeAt(at) === quote) {
    const keyEnd = skipString(json, at);
    const valueStart = skipSpace(json, skipSpace(json, keyEnd) + 1);
    const end = skipValue(json, valueStart);
    if (isKey(json, at, keyEnd, name)) found = { start: valueStart, end };
    at = skipSpace(json, end);
    if (json.charCodeAt(at) === 0x2c) at = skipSpace(json, at + 1);
  }
  return found;
}

/** The value that begins at `start`, or behind white space there. */
export function valueSlice(json: JsonText, start = 0): Slice {
  const from = skipSpace(json, start);
  return { start: from, end: skipValue(json, from) };
}

/** The elements of the array that begins at `start`; none when the value is no array. */
export function elementSlices(json: JsonText, start = 0): Slice[] {
  const elements: Slice[] = [];
  let at = skipSpace(json, start);
  if (json.charCodeAt(at) !== 0x5b) return elements;
  at = skipSpace(json, at + 1);
  while (at < json.length && json.charCodeAt(at) !== 0x5d) {
    const end = skipValue(json, at);
    elements.push({ start: at, end });
    at = skipSpace(json, end);
    if (json.charCodeAt(at) === 0x2c) at = skipSpace(json, at + 1);
  }
  return elements;
}

/** The text of a slice without the white space outside its strings. */
export function compactSlice(json: JsonText, { start, end }: Slice): JsonText {
  return compact(json.slice(start, end));
}

/** The text without the white space outside its strings; the same string when there is none. */
export function compact(json: JsonText): JsonText {
  let out = '';
  let from = 0;
  for (let at = 0; at < json.length; ) {
    const unit = json.charCodeAt(at);
    if (unit === quote) at = skipString(json, at);
    else if (isSpace(unit)) {
      out += json.slice(from, at);
      at = skipSpace(json, at);
      from = at;
    } else at += 1;
  }
  return from === 0 ? json : out + json.slice(from);
}

/** Whether JSON.parse accepts the text. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether more than `levels` arrays and objects stand within each other. Text too short for that is not looked at. */
export function isNestedDeeper(json: JsonText, levels: number): boolean {
  if (json.length <= 2 * levels) return false;
  let depth = 0;
  for (let at = 0; at < json.length; ) {
    const unit = json.charCodeAt(at);
    if (unit === quote) {
      at = skipString(json, at);
      continue;
    }
    if (unit === 0x7b || unit === 0x5b) depth += 1;
    else if (unit === 0x7d || unit === 0x5d) depth -= 1;
    if (depth > levels) return true;
    at += 1;
  }
  return false;
}

function isKey(json: string, start: number, end: number, name: string): boolean {
  if (end - start === name.length + 2 && json.startsWith(name, start + 1)) return true;
  const key = json.slice(start, end);
  return key.includes('\\') && JSON.parse(key) === name;
}

function skipValue(json: string, start: number): number {
  const first = json.charCodeAt(start);
  if (first === quote) return skipString(json, start);
  if (first === 0x7b || first === 0x5b) return skipNested(json, start);
  let at = start;
  while (at < json.length && !endsScalar(json.charCodeAt(at))) at += 1;
  return at;
}

function skipNested(json: string, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; ) {
    const unit = json.charCodeAt(at);
    if (unit === quote) {
      at = skipString(json, at);
      continue;
    }
    at += 1;
    if (unit === 0x7b || unit === 0x5b) depth += 1;
    else if ((unit === 0x7d || unit === 0x5d) && --depth === 0) return at;
  }
  return json.length;
}

/** From the opening quote to just behind the closing one. */
function skipString(json: string, start: number): number {
  let end = json.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(json, end)) end = json.indexOf('"', end + 1);
  return end === -1 ? json.length : end + 1;
}

/** An odd number of backslashes stands before `at`. */
function isEscaped(json: string, at: number): boolean {
  let before = at - 1;
  while (json.charCodeAt(before) === backslash) before -= 1;
  return (at - before) % 2 === 0;
}

function skipSpace(json: string, start: number): number {
  let at = start;
  while (isSpace(json.charCodeAt(at))) at += 1;
  return at;
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;
}

function endsScalar(unit: number): boolean {
  return unit === 0x2c || unit === 0x7d || unit === 0x5d || isSpace(unit);
}
