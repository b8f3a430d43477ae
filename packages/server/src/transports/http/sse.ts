/** Server-Sent Events: what an EventSource reads, with the cursor as its event id. */
import { type Disconnect, shouldReconnect } from '@carillon/protocol';
import type { Publication } from '../../core/broker.ts';
import { cursorEntry } from '../../core/cursor.ts';
import { closeObject, cursorBehind, openObject } from '../../core/publication-text.ts';
import type { Gap } from '../../core/wire.ts';
import { bareText } from './publication-text.ts';
import { StreamFormat, type StreamTexts, type TextWire } from './stream-format.ts';

/** An EventSource that was ended for good comes back all the same, but with this as its last event id, and is told so. */
const endCursor = 'end';

/** How long an EventSource waits before it comes back: spread, so that not all come at once. */
const retryMsMin = 1_000;
const retryMsSpread = 2_000;

const shared: Pick<StreamTexts, 'headers' | 'heartbeat' | 'message' | 'preamble' | 'farewell' | 'endCursor'> =
  {
    headers: [
      'Content-Type',
      'text/event-stream; charset=utf-8',
      'Cache-Control',
      'no-cache, no-transform',
      'X-Accel-Buffering',
      'no',
    ],
    heartbeat: ':\n\n',
    message: (text) => `event: control\n${dataLines(text)}\n`,
    preamble: ({ cursor, recovered }) => {
      const retry = retryMsMin + Math.floor(Math.random() * retryMsSpread);
      // The id makes a client that is cut before its first event come back to where it began. Where something was lost,
      // the gap is told first: a client that is cut before that must be told again.
      const id = cursor === '' || recovered === false ? '' : `id: ${cursor}\n`;
      return `retry: ${retry}\n${id}\n`;
    },
    farewell,
    endCursor,
  };

function farewell({ code, reason }: Disconnect): string {
  if (shouldReconnect(code)) return `: ${reason}\n\n`;
  return `id: ${endCursor}\nevent: close\ndata: ${JSON.stringify({ code, reason })}\n\n`;
}

const single: TextWire = {
  publication(label, publication, epoch) {
    const cursor = cursorBehind(label, publication, epoch);
    return `${idLine(cursor)}event: message\n${dataLines(bareText(publication))}\n`;
  },
  gap: (label, gap) => `${idLine(cursorBehindGap(label, gap))}${gapEvent(label, gap)}\n`,
};

const several: TextWire = {
  publication: (_label, publication) => `event: message\n${dataLines(bareText(publication))}`,
  gap: (label, gap) => `${gapEvent(label, gap)}\n`,
  stamp: (cursor) => `${idLine(cursor)}\n`,
};

const singleJson: TextWire = {
  publication(label, publication: Publication, epoch) {
    const cursor = cursorBehind(label, publication, epoch);
    return `${idLine(cursor)}event: message\ndata: ${openObject(label, publication)}${closeObject(cursor)}\n\n`;
  },
  gap: single.gap,
};

const severalJson: TextWire = {
  publication: (label, publication) => `event: message\ndata: ${openObject(label, publication)}`,
  gap: several.gap,
  stamp: (cursor) => `${closeObject(cursor)}\n${idLine(cursor)}\n`,
};

/** Events with the bare data. */
export const sse = new StreamFormat({ name: 'sse', ...shared, single, several });

/** Events with objects that name the channel: `?format=json`. */
export const sseJson = new StreamFormat({ name: 'sse', ...shared, single: singleJson, several: severalJson });

function idLine(cursor: string): string {
  return cursor === '' ? '' : `id: ${cursor}\n`;
}

function gapEvent(label: string, gap: Gap): string {
  return `event: gap\ndata: ${JSON.stringify({ channel: label, ...gap })}\n`;
}

/** Once told, the gap lies behind the client. */
function cursorBehindGap(label: string, { epoch, to }: Gap): string {
  return epoch === undefined || to === undefined ? '' : cursorEntry(label, epoch, to);
}

/** Every line of the text on a `data:` line of its own, whichever line end it was written with. */
function dataLines(text: string): string {
  if (!/[\r\n]/.test(text)) return `data: ${text}\n`;
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join('');
}
