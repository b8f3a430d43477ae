/** The text of a publication, and of a gap, as all transports write it. */
import type { Publication } from './broker.ts';
import { cursorEntry } from './cursor.ts';
import type { Gap } from './wire.ts';

/** The event of the native protocol. */
export function eventText(label: string, publication: Publication): string {
  return `{"event":${quoted(label)},"data":${publication.data}${tail(publication)}}`;
}

/** The object `{"channel","data","offset","binary"}` without its end, which {@link closeObject} is. */
export function openObject(label: string, publication: Publication): string {
  return `{"channel":${quoted(label)},"data":${publication.data}${tail(publication)}`;
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

/** The text that a JSON string holds; most need no parsing. */
export function stringOf(json: string): string {
  return json.includes('\\') ? String(JSON.parse(json)) : json.slice(1, -1);
}

/** The members behind `data`, each with its comma. */
function tail({ offset, binary }: Publication): string {
  const place = offset === 0 ? '' : `,"offset":${offset}`;
  return binary === true ? `${place},"binary":true` : place;
}

let lastLabel = '';
let lastQuoted = '""';

/** Publications come in runs of one channel, so remembering the last label spares nearly all of the quoting. */
function quoted(label: string): string {
  if (label !== lastLabel) {
    lastQuoted = JSON.stringify(label);
    lastLabel = label;
  }
  return lastQuoted;
}
