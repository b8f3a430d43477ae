/** Reads Server-Sent Events out of pieces of text, as an EventSource does: an event counts once its blank line is there. */

export interface SseEvent {
  /** Absent where the event names none. */
  readonly id: string | undefined;
  readonly name: string;
  readonly data: string;
}

export class SseEvents {
  readonly #take: (event: SseEvent) => void;
  #rest = '';

  constructor(take: (event: SseEvent) => void) {
    this.#take = take;
  }

  read(text: string): void {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) this.#take(eventOf(block));
  }
}

function eventOf(block: string): SseEvent {
  let [id, name]: [string | undefined, string] = [undefined, 'message'];
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, field, value = ''] = /^(\w+): ?(.*)$/s.exec(line) ?? [];
    if (field === 'id') id = value;
    else if (field === 'event') name = value;
    else if (field === 'data') data.push(value);
  }
  return { id, name, data: data.join('\n') };
}
