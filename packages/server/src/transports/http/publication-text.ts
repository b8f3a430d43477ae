/** The text of a publication as the transports of plain HTTP write it. */
import type { Publication } from '../../core/broker.ts';
import { cursorEntry } from '../../core/cursor.ts';
import type { Gap } from '../../core/wire.ts';

/** The data alone: a string as its text, bytes as an object of base64, anything else as the JSON that was published. */
export function bareText({ data, binary }: Publication): string {
  if (binary === true) return `{"data":${data},"binary":true}`;
  return data.charCodeAt(0) === 0x22 ? stringOf(data) : data;
}

/** The object `{"channel","data","offset","binary"}` without its end, which {@link closeObject} is. */
export function openObject(label: string, { offset, data, binary }: Publication): string {
  const place = offset === 0 ? '' : `,"offset":${offset}`;
  const mark = binary === true ? ',"binary":true' : '';
  return `{"channel":${quoted(label)},"data":${data}${place}${mark}`;
}

/** The end of an object; an empty cursor is left out. */
export function closeObject(cursor: string): string {
  return cursor === '' ? '}' : `,"cursor":"${cursor}"}`;
}

/** Where a client of one channel stands with a publication; empty where the channel keeps no history. */
export function cursorBehind(label: string, { offset }: Publication, epoch: string): string {
  return offset === 0 || epoch === '' ? '' : cursorEntry(label, epoch, offset);
}

export function gapObject(label: string, gap: Gap): string {
  return JSON.stringify({ channel: label, type: 'gap', ...gap });
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

function stringOf(json: string): string {
  return json.includes('\\') ? String(JSON.parse(json)) : json.slice(1, -1);
}

let lastLabel = '';
let lastQuoted = '""';

/** Publications come in runs of one channel. */
function quoted(label: string): string {
  if (label !== lastLabel) {
    lastQuoted = JSON.stringify(label);
    lastLabel = label;
  }
  return lastQuoted;
}
