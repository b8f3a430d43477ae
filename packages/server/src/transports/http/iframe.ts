/** The forever-iframe: a page that never ends, and calls a function of its parent with every message. For browsers that can nothing else. */
import { limits, shouldReconnect } from '@carillon/protocol';
import { closeObject, cursorBehind, gapObject, openObject } from '../../core/publication-text.ts';
import type { Gap } from '../../core/wire.ts';
import { scriptText } from './publication-text.ts';
import { StreamFormat } from './stream-format.ts';

/** Old browsers show nothing of a page before they have this much of it. */
const paddingBytes = 1_024;

/** The formats by callback name: pages that name the same function share their frames. */
export class IframeFormats {
  readonly #byName = new Map<string, StreamFormat>();

  of(callback: string): StreamFormat {
    const found = this.#byName.get(callback);
    if (found !== undefined) return found;
    const [oldest] = this.#byName.keys();
    if (this.#byName.size >= limits.sharedCallbacks && oldest !== undefined) this.#byName.delete(oldest);
    const made = iframeFormat(callback);
    this.#byName.set(callback, made);
    return made;
  }
}

function iframeFormat(callback: string): StreamFormat {
  const begin = `<script>parent.${callback}(`;
  const end = ')</script>\n';
  const call = (json: string): string => `${begin}${scriptText(json)}${end}`;
  const gap = (label: string, lost: Gap): string => call(gapObject(label, lost));
  return new StreamFormat({
    name: 'iframe',
    headers: [
      'Content-Type',
      'text/html; charset=utf-8',
      'Cache-Control',
      'no-store, no-transform',
      'Content-Security-Policy',
      "default-src 'none'; script-src 'unsafe-inline'; frame-ancestors 'self'",
      'Referrer-Policy',
      'no-referrer',
      'X-Accel-Buffering',
      'no',
    ],
    heartbeat: '<!-- -->\n',
    single: {
      publication: (label, publication, epoch) =>
        call(openObject(label, publication) + closeObject(cursorBehind(label, publication, epoch))),
      gap,
    },
    several: {
      publication: (label, publication) => `${begin}${scriptText(openObject(label, publication))}`,
      gap,
      stamp: (cursor) => `${closeObject(cursor)}${end}`,
    },
    message: call,
    preamble: () =>
      `<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>\n<!--${' '.repeat(paddingBytes)}-->\n`,
    farewell: ({ code, reason }) =>
      shouldReconnect(code) ? '' : call(JSON.stringify({ type: 'close', code, reason })),
  });
}
