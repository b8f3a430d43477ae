/** The wires of WebSocket: how a message and a publication look, framed, on each kind of WebSocket path. */
import type { Publication } from '../../core/broker.ts';
import type { Wire } from '../../core/wire.ts';
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

/** `/sub?format=json`: every publication is the object that the HTTP transports of `/sub` send. */
export const jsonWire: Wire = {
  name: 'websocket/json',
  carriesEvents: false,
  message: textFrame,
  publication(label, { offset, data, binary }) {
    return textFrame(`{"channel":${quoted(label)},"data":${data}${tail(offset, binary)}}`);
  },
};

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
