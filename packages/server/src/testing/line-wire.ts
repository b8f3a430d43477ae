/** Wires that write one line of text per message, and count what they make. */
import type { Publication } from '../core/broker.ts';
import type { Wire } from '../core/wire.ts';

export interface LineWireOptions {
  readonly name?: string;
  /** Publications as their data alone, and no events. */
  readonly isBare?: boolean;
  readonly isBrief?: boolean;
}

/** What a native client would read, a line each. */
export class LineWire implements Wire {
  readonly name: string;
  readonly carriesEvents: boolean;
  readonly isBrief: boolean;
  /** Publications that were made into frames. */
  encoded = 0;

  constructor({ name = 'line', isBare = false, isBrief = false }: LineWireOptions = {}) {
    this.name = name;
    this.carriesEvents = !isBare;
    this.isBrief = isBrief;
  }

  message(text: string): Buffer {
    return Buffer.from(`${text}\n`);
  }

  publication(label: string, { offset, data }: Publication): Buffer {
    this.encoded += 1;
    if (!this.carriesEvents) return Buffer.from(`${data}\n`);
    const place = offset === 0 ? '' : `,"offset":${offset}`;
    return Buffer.from(`{"event":${JSON.stringify(label)},"data":${data}${place}}\n`);
  }
}
