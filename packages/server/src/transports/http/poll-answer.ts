/** What a long-poll answers: the messages of its bytes, cut where they are too many, in the envelope that the request asked for. */
import { limits, memberSlice } from '@carillon/protocol';
import { closeObject, cursorBehind, openObject } from '../../core/publication-text.ts';
import type { Wire } from '../../core/wire.ts';
import { scriptText } from './publication-text.ts';

/** `json`: an object with all messages; `raw`: the data of one message; otherwise a call of this function with the object. */
export type Envelope = 'json' | 'raw' | { readonly callback: string };

/** Where the client stood before. */
export interface PollStart {
  readonly cursor: string;
  /** Something since the client's cursor is gone. */
  readonly hasLost: boolean;
  /** Every channel keeps history, so what is cut off comes with the next poll. */
  readonly isRecoverable: boolean;
}

export interface PollAnswer {
  readonly status: 200 | 204;
  readonly type: string;
  readonly body: Buffer;
  /** Where the client stands with it. */
  readonly cursor: string;
}

/** Stands before each message. JSON that was published has no line feed of its own. */
const separator = '\n,';
const lineFeed = 0x0a;

const longPoll = {
  name: 'http/longpoll',
  carriesEvents: false,
  isBrief: true,
  message: (text: string) => Buffer.from(text),
};

/** For polls of one channel. */
const singleWire: Wire = {
  ...longPoll,
  publication: (label, publication, epoch) =>
    Buffer.from(
      separator + openObject(label, publication) + closeObject(cursorBehind(label, publication, epoch)),
    ),
};

/** For polls of several: the cursor of each is its own. */
const severalWire: Wire = {
  ...longPoll,
  publication: (label, publication) => Buffer.from(separator + openObject(label, publication)),
  stamp: (cursor) => Buffer.from(closeObject(cursor)),
};

export function pollWire(channels: number): Wire {
  return channels === 1 ? singleWire : severalWire;
}

/** The answer when something came: `bytes` are frames of a wire of {@link pollWire}. */
export function messagesAnswer(bytes: Buffer, start: PollStart, envelope: Envelope): PollAnswer {
  const most = start.isRecoverable ? limits.pollAnswerBytes : bytes.length;
  const messages = cut(bytes, envelope === 'raw' ? 0 : most);
  const cursor = cursorOf(messages) ?? start.cursor;
  if (envelope === 'raw') return rawAnswer(messages.toString(), cursor);
  const rest = `],"cursor":"${cursor}"${start.hasLost ? ',"recovered":false' : ''}}`;
  const object = Buffer.concat([Buffer.from('{"messages":['), messages, Buffer.from(rest)]);
  return enveloped(object, cursor, envelope);
}

/** The answer when nothing came. */
export function emptyAnswer({ cursor, hasLost }: PollStart, envelope: Envelope): PollAnswer {
  if (envelope === 'raw') return { status: 204, type: textType, body: Buffer.alloc(0), cursor };
  // What was lost is told at once, which is no time-out.
  const tail = hasLost ? '"recovered":false' : '"status":1,"tips":"timeout"';
  return enveloped(Buffer.from(`{"messages":[],${tail},"cursor":"${cursor}"}`), cursor, envelope);
}

const jsonType = 'application/json; charset=utf-8';
const textType = 'text/plain; charset=utf-8';

function enveloped(
  object: Buffer,
  cursor: string,
  envelope: 'json' | { readonly callback: string },
): PollAnswer {
  if (envelope === 'json') return { status: 200, type: jsonType, body: object, cursor };
  const body = Buffer.from(`${envelope.callback}(${scriptText(object.toString())});`);
  return { status: 200, type: 'text/javascript; charset=utf-8', body, cursor };
}

function rawAnswer(message: string, cursor: string): PollAnswer {
  const slice = memberSlice(message, 'data');
  const data = slice === undefined ? 'null' : message.slice(slice.start, slice.end);
  const isBinary = memberSlice(message, 'binary') !== undefined;
  const isText = !isBinary && data.startsWith('"');
  const text = isBinary ? `{"data":${data},"binary":true}` : isText ? String(JSON.parse(data)) : data;
  return { status: 200, type: isText ? textType : jsonType, body: Buffer.from(text), cursor };
}

/** The messages without the first separator: as many as `maxBytes` hold, at least one. */
function cut(bytes: Buffer, maxBytes: number): Buffer {
  const messages = bytes.subarray(separator.length);
  if (messages.length <= maxBytes) return messages;
  const last = maxBytes === 0 ? -1 : messages.lastIndexOf(lineFeed, maxBytes);
  const end = last === -1 ? messages.indexOf(lineFeed) : last;
  return end === -1 ? messages : messages.subarray(0, end);
}

const cursorMember = '"cursor":"';

/** The cursor at the end of the last message; undefined where no channel keeps history. */
function cursorOf(messages: Buffer): string | undefined {
  const at = messages.lastIndexOf(cursorMember);
  const text = at === -1 ? '' : messages.toString('latin1', at + cursorMember.length, messages.length);
  return /^[\w.~-]+"}$/.test(text) ? text.slice(0, -2) : undefined;
}
