/** The wires of WebSocket: how a message and a publication look, framed, on each kind of WebSocket path. */
import type { Publication } from '../../core/broker.ts';
import { cursorEntry } from '../../core/cursor.ts';
import type { Gap, Wire } from '../../core/wire.ts';
import { base64Frame, textFrame } from './frame.ts';

/** The native protocol: every publication is an event object. */
export const nativeWire: Wire = {
  name: 'websocket/native',
  carriesEvents: true,
  message: textFrame,
  publication(label, { offset, data, binary }) {
    return textFrame(`{"event":${quoted(label)},"data":${data}${tail(offset, binary)}}`);
  },
};

/** The message-center paths: commands and replies of the native protocol, publications as bare data. */
export const rawWire: Wire = {
  name: 'websocket/raw',
  carriesEvents: true,
  message: textFrame,
  publication: bareFrame,
};

/** `/sub` and the paths mapped to it: bare data and nothing else. */
export const bareWire: Wire = {
  name: 'websocket/bare',
  carriesEvents: false,
  message: textFrame,
  publication: bareFrame,
};

const json = {
  name: 'websocket/json',
  carriesEvents: false,
  message: textFrame,
  gap: (label: string, gap: Gap): Buffer =>
    textFrame(JSON.stringify({ channel: label, type: 'gap', ...gap })),
};

/** `/sub?format=json`: every publication is the object that the HTTP transports of `/sub` send. */
export const jsonWire: Wire = {
  ...json,
  publication(label, publication, epoch) {
    const { offset } = publication;
    const cursor = offset === 0 || epoch === '' ? '' : cursorEntry(label, epoch, offset);
    return textFrame(openObject(label, publication) + closeObject(cursor));
  },
};

/** The same for several channels, where every client has a cursor of its own: a message in two fragments, of which the first is shared. */
export const jsonStampedWire: Wire = {
  ...json,
  publication: (label, publication) => fragment(textFrame(openObject(label, publication)), firstFragment),
  stamp: (cursor) => fragment(textFrame(closeObject(cursor)), lastFragment),
};

export function jsonWireFor(channels: number): Wire {
  return channels === 1 ? jsonWire : jsonStampedWire;
}

/** First bytes of frames: text that is not final, and a final continuation. */
const firstFragment = 0x01;
const lastFragment = 0x80;

function fragment(frame: Buffer, firstByte: number): Buffer {
  frame[0] = firstByte;
  return frame;
}

function openObject(label: string, { offset, data, binary }: Publication): string {
  return `{"channel":${quoted(label)},"data":${data}${tail(offset, binary)}`;
}

function closeObject(cursor: string): string {
  return cursor === '' ? '}' : `,"cursor":"${cursor}"}`;
}

/** The data alone: bytes as a binary frame, a string as its text, anything else as the JSON text that was published. */
function bareFrame(_label: string, { data, binary }: Publication): Buffer {
  if (binary === true) return base64Frame(stringOf(data));
  return textFrame(data.charCodeAt(0) === 0x22 ? stringOf(data) : data);
}

/** The members behind `data`, each with its comma. */
function tail(offset: number, binary: true | undefined): string {
  const place = offset === 0 ? '' : `,"offset":${offset}`;
  return binary === true ? `${place},"binary":true` : place;
}

function stringOf(json: string): string {
  return json.includes('\\') ? String(JSON.parse(json)) : json.slice(1, -1);
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
