/** The texts of publications that only the transports of plain HTTP write. */
import type { Publication } from '../../core/broker.ts';
import { stringOf } from '../../core/publication-text.ts';

/** The data alone: a string as its text, bytes as an object of base64, anything else as the JSON that was published. */
export function bareText({ data, binary }: Publication): string {
  if (binary === true) return `{"data":${data},"binary":true}`;
  return data.charCodeAt(0) === 0x22 ? stringOf(data) : data;
}

/**
 * JSON that may stand in a script of a page: nothing in it ends the script or a line of it, and a member `__proto__`
 * stays a member.
 */
export function scriptText(json: string): string {
  return json
    .replace(/[<>&\u2028\u2029]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replace(/(?<=[{,])"__proto__":/g, '["__proto__"]:');
}
