/** The wires of WebSocket: how a message and a publication look, framed, on each kind of WebSocket path. */
import type { Publication } from '../../core/broker.ts';
import {
  closeObject,
  cursorBehind,
  eventText,
  gapObject,
  openObject,
  stringOf,
} from '../../core/publication-text.ts';
import type { Gap, Wire } from '../../core/wire.ts';
import { base64Frame, textFrame } from './frame.ts';

/** The native protocol: every publication is an event object. */
export const nativeWire: Wire = {
  name: 'websocket/native',
  carriesEvents: true,
  message: textFrame,
  publication: (label, publication) => textFrame(eventText(label, publication)),
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
  gap: (label: string, gap: Gap): Buffer => textFrame(gapObject(label, gap)),
};

/** `/sub?format=json`: every publication is the object that the HTTP transports of `/sub` send. */
export const jsonWire: Wire = {
  ...json,
  publication: (label, publication, epoch) =>
    textFrame(openObject(label, publication) + closeObject(cursorBehind(label, publication, epoch))),
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

/** The data alone: bytes as a binary frame, a string as its text, anything else as the JSON text that was published. */
function bareFrame(_label: string, { data, binary }: Publication): Buffer {
  if (binary === true) return base64Frame(stringOf(data));
  return textFrame(data.charCodeAt(0) === 0x22 ? stringOf(data) : data);
}
