/** HTTP streaming: one JSON object a line, and empty lines as heartbeats. */
import { shouldReconnect } from '@carillon/protocol';
import { closeObject, cursorBehind, gapObject, openObject } from '../../core/publication-text.ts';
import { StreamFormat } from './stream-format.ts';

const gap = (label: string, lost: Parameters<typeof gapObject>[1]): string => `${gapObject(label, lost)}\n`;

export const ndjson = new StreamFormat({
  name: 'ndjson',
  headers: [
    'Content-Type',
    'application/x-ndjson; charset=utf-8',
    'Cache-Control',
    'no-cache, no-transform',
    'X-Accel-Buffering',
    'no',
  ],
  heartbeat: '\n',
  single: {
    publication: (label, publication, epoch) =>
      `${openObject(label, publication)}${closeObject(cursorBehind(label, publication, epoch))}\n`,
    gap,
  },
  several: {
    publication: openObject,
    gap,
    stamp: (cursor) => `${closeObject(cursor)}\n`,
  },
  message: (text) => `${text}\n`,
  preamble: () => '',
  farewell: ({ code, reason }) =>
    shouldReconnect(code) ? '' : `${JSON.stringify({ type: 'close', code, reason })}\n`,
});
