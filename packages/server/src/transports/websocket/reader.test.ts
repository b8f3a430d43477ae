import { createRequire } from 'node:module';
import type { Writable } from 'node:stream';
import type { Disconnect } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { clientFrame, closePayload } from '../../testing/client-frames.ts';
import { FrameReader, type FrameSink } from './reader.ts';

const maxBytes = 1_000;

/** Writes down what it is handed, one line each. */
class Notes implements FrameSink {
  halted = false;
  code: number | undefined;
  readonly lines: string[] = [];
  /** Halts behind the message with this number. */
  readonly #haltAfter: number;

  constructor(haltAfter = Number.POSITIVE_INFINITY) {
    this.#haltAfter = haltAfter;
  }

  text(text: string): void {
    this.#note(`text ${text}`);
  }

  bytes(bytes: Buffer): void {
    this.#note(`bytes ${bytes.toString('hex')}`);
  }

  pinged(payload: Buffer): void {
    this.#note(`ping ${payload.toString('hex')}`);
  }

  closing(code: number | undefined): void {
    this.#note(`close ${code}`);
    this.halted = true;
  }

  fault({ code }: Disconnect): void {
    if (this.code !== undefined) throw new Error('two faults');
    this.code = code;
    this.halted = true;
  }

  #note(line: string): void {
    this.lines.push(line);
    if (this.lines.length === this.#haltAfter) this.halted = true;
  }
}

/** Feeds the bytes in chunks of the sizes that `size` gives; each chunk is a copy, because the reader unmasks in place. */
function read(bytes: Buffer, size: () => number = () => bytes.length): Notes {
  const notes = new Notes();
  const reader = new FrameReader(maxBytes);
  for (let at = 0; at < bytes.length && !notes.halted; ) {
    const end = Math.min(bytes.length, at + Math.max(1, size()));
    const taken = reader.read(Buffer.from(bytes.subarray(at, end)), notes);
    if (taken < end - at && !notes.halted) throw new Error('stopped without being halted');
    at = end;
  }
  return notes;
}

/** Whole, and byte by byte: both must tell the same. */
function outcome(
  ...frames: readonly Buffer[]
): readonly [lines: readonly string[], code: number | undefined] {
  const bytes = Buffer.concat(frames);
  const whole = read(bytes);
  const single = read(bytes, () => 1);
  expect([single.lines, single.code]).toEqual([whole.lines, whole.code]);
  return [whole.lines, whole.code];
}

describe('messages', () => {
  test.each([0, 1, 3, 4, 5, 125, 126, 127, 999, 1_000])('of %i bytes are unmasked', (size) => {
    const text = 'abcdefg'.repeat(150).slice(0, size);
    expect(outcome(clientFrame(1, text))).toEqual([[`text ${text}`], undefined]);
    const bytes = Buffer.from(text);
    expect(outcome(clientFrame(2, bytes, { mask: 0xff00ff01 }))).toEqual([
      [`bytes ${bytes.toString('hex')}`],
      undefined,
    ]);
  });

  test('may have a mask of zeros', () => {
    expect(outcome(clientFrame(1, 'hi', { mask: 0 }))[0]).toEqual(['text hi']);
  });

  test('in one chunk are handed on in order', () => {
    const frames = ['a', 'b', '', 'c'].map((text) => clientFrame(1, text));
    expect(outcome(...frames)[0]).toEqual(['text a', 'text b', 'text ', 'text c']);
  });

  test('are put together from fragments, with control frames between them', () => {
    expect(
      outcome(
        clientFrame(1, 'gr', { final: false }),
        clientFrame(9, 'p1'),
        clientFrame(0, Buffer.from('üß').subarray(0, 3), { final: false }),
        clientFrame(10, 'nobody asked'),
        clientFrame(0, '', { final: false }),
        clientFrame(9),
        clientFrame(0, Buffer.from('üß').subarray(3)),
        clientFrame(2, 'x', { final: false }),
        clientFrame(0, ''),
      ),
    ).toEqual([['ping 7031', 'ping ', 'text grüß', 'bytes 78'], undefined]);
  });

  test('may consist of nothing but empty fragments, however many', () => {
    const empty = clientFrame(0, '', { final: false });
    const frames = [
      clientFrame(1, '', { final: false }),
      ...new Array<Buffer>(5_000).fill(empty),
      clientFrame(0),
    ];
    expect(outcome(...frames)).toEqual([['text '], undefined]);
  });

  test('after the close frame are not looked at', () => {
    expect(outcome(clientFrame(8, closePayload(1001, 'bye')), clientFrame(1, 'late'))).toEqual([
      ['close 1001'],
      undefined,
    ]);
    expect(outcome(clientFrame(8), clientFrame(3))).toEqual([['close undefined'], undefined]);
  });
});

describe('a halt', () => {
  test('leaves the rest of the chunk to be fed again', () => {
    const bytes = Buffer.concat([clientFrame(1, 'a'), clientFrame(1, 'b'), clientFrame(1, 'c')]);
    const notes = new Notes(2);
    const reader = new FrameReader(maxBytes);
    const taken = reader.read(bytes, notes);
    expect([taken, notes.lines]).toEqual([14, ['text a', 'text b']]);
    notes.halted = false;
    expect(reader.read(bytes.subarray(taken), notes)).toBe(7);
    expect(notes.lines).toEqual(['text a', 'text b', 'text c']);
  });

  test('between a fragment and the next keeps the message', () => {
    const notes = new Notes(1);
    const reader = new FrameReader(maxBytes);
    const bytes = Buffer.concat([clientFrame(1, 'a', { final: false }), clientFrame(9), clientFrame(0, 'b')]);
    const taken = reader.read(bytes, notes);
    notes.halted = false;
    reader.read(bytes.subarray(taken), notes);
    expect(notes.lines).toEqual(['ping ', 'text ab']);
  });
});

describe('faults', () => {
  const head = (...bytes: readonly number[]): Buffer => Buffer.from(bytes);
  test.each<[string, number, readonly Buffer[]]>([
    ['a frame that is not masked', 1002, [clientFrame(1, 'a', { masked: false })]],
    ['an empty frame that is not masked', 1002, [head(0x81, 0)]],
    ['the first reserved bit', 1002, [clientFrame(1, 'a', { reserved: 4 })]],
    ['the second reserved bit', 1002, [clientFrame(9, '', { reserved: 2 })]],
    ['the third reserved bit', 1002, [clientFrame(8, '', { reserved: 1 })]],
    ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): [string, number, Buffer[]] => [
      `the reserved opcode ${opcode}`,
      1002,
      [clientFrame(opcode)],
    ]),
    ['a ping of 126 bytes', 1002, [clientFrame(9, Buffer.alloc(126))]],
    ['a close of 70,000 bytes', 1002, [clientFrame(8, '', { announced: 70_000 })]],
    ['a ping in fragments', 1002, [clientFrame(9, 'a', { final: false })]],
    ['a continuation of nothing', 1002, [clientFrame(0, 'a')]],
    ['a continuation of nothing, not final', 1002, [clientFrame(0, 'a', { final: false })]],
    ['a message within another', 1002, [clientFrame(1, 'a', { final: false }), clientFrame(1, 'b')]],
    ['a message within an empty one', 1002, [clientFrame(1, '', { final: false }), clientFrame(2, 'b')]],
    ['a length of 16 bits that needs 7', 1002, [clientFrame(1, 'a', { lengthBits: 16 })]],
    ['a length of 64 bits that needs 16', 1002, [clientFrame(1, 'a'.repeat(200), { lengthBits: 64 })]],
    ['a length of 64 bits', 1002, [head(0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0)]],
    ['the longest length', 1009, [head(0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255)]],
    ['a close payload of one byte', 1002, [clientFrame(8, 'a')]],
    ['a close code that may not be sent', 1002, [clientFrame(8, closePayload(1005))]],
    ['a close reason that is not UTF-8', 1007, [clientFrame(8, closePayload(1000, head(0xff)))]],
    ['text that is not UTF-8', 1007, [clientFrame(1, head(0x61, 0xff))]],
    ['text that ends within a character', 1007, [clientFrame(1, head(0xe4, 0xbd))]],
    [
      'fragments that end within a character',
      1007,
      [clientFrame(1, head(0xe4), { final: false }), clientFrame(0)],
    ],
    ['an unpaired surrogate', 1007, [clientFrame(1, head(0xed, 0xa0, 0x80))]],
  ])('%s is %i', (_title, code, frames) => {
    expect(outcome(clientFrame(1, 'first'), ...frames)).toEqual([['text first'], code]);
  });

  test('a U+FFFD that was sent is none', () => {
    expect(outcome(clientFrame(1, 'a\ufffd'))).toEqual([['text a\ufffd'], undefined]);
  });

  test('text is judged at the first impossible byte, before its frame is complete', () => {
    const good = Buffer.from('κόσμε');
    const frame = clientFrame(1, Buffer.concat([good, Buffer.from([0xf4, 0x90]), Buffer.alloc(500)]));
    const fatal = 8 + good.length + 2;
    expect(read(frame.subarray(0, fatal - 1), () => 1).code).toBeUndefined();
    expect(read(frame.subarray(0, fatal), () => 1).code).toBe(1007);
    expect(read(frame.subarray(0, fatal)).code).toBe(1007);
  });
});

describe('the size limit', () => {
  test('judges a message by its header', () => {
    expect(outcome(clientFrame(1, '', { announced: maxBytes + 1 }).subarray(0, 4))).toEqual([[], 1009]);
  });

  test('counts all fragments together', () => {
    const part = clientFrame(2, Buffer.alloc(600), { final: false });
    expect(outcome(part, clientFrame(0, Buffer.alloc(400)))[1]).toBeUndefined();
    expect(outcome(part, clientFrame(0, '', { announced: 401 }).subarray(0, 4))).toEqual([[], 1009]);
  });

  test('begins anew with each message', () => {
    const message = [clientFrame(2, Buffer.alloc(600), { final: false }), clientFrame(0, Buffer.alloc(400))];
    expect(outcome(...message, ...message)[0].length).toBe(2);
  });
});

/** The parser of ws: another reading of the same RFC. */
const { Receiver } = createRequire(import.meta.url)('ws') as {
  readonly Receiver: new (options: Readonly<Record<string, unknown>>) => Writable;
};

async function readByPeer(bytes: Buffer): Promise<Notes> {
  const notes = new Notes();
  const receiver = new Receiver({ isServer: true, maxPayload: maxBytes, allowSynchronousEvents: true });
  receiver.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) notes.bytes(data);
    else notes.text(data.toString());
  });
  receiver.on('ping', (payload: Buffer) => notes.pinged(payload));
  receiver.on('conclude', (code: number) => notes.closing(code === 1005 ? undefined : code));
  receiver.on('error', (error: Error) => {
    const status = Object.getOwnPropertySymbols(error).find((symbol) => symbol.description === 'status-code');
    notes.code = status === undefined ? -1 : Reflect.get(error, status);
  });
  receiver.write(Buffer.from(bytes));
  // It tells its errors in a later tick.
  await new Promise((resolve) => setImmediate(resolve));
  return notes;
}

function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function randomStream(random: (below: number) => number): Buffer {
  const frames: Buffer[] = [];
  let inMessage = false;
  for (let count = 1 + random(8); count > 0; count--) {
    const mask = random(2 ** 32);
    if (random(4) === 0) frames.push(clientFrame(9 + random(2), 'é'.repeat(random(60)), { mask }));
    else {
      const final = random(2) === 0;
      const size = random(3) === 0 ? random(500) : random(20);
      frames.push(
        clientFrame(inMessage ? 0 : 1 + random(2), '你é.'.repeat(170).slice(0, size), { mask, final }),
      );
      inMessage = !final;
    }
  }
  if (random(5) === 0) frames.push(clientFrame(8, closePayload(990 + random(30), 'bye')));
  return Buffer.concat(frames);
}

function mutate(bytes: Buffer, random: (below: number) => number): Buffer {
  const mutated = Buffer.from(bytes);
  for (let count = random(4); count > 0; count--) {
    const at = random(mutated.length);
    mutated[at] = random(3) === 0 ? random(256) : (mutated[at] ?? 0) ^ (1 << random(8));
  }
  return random(4) === 0 ? mutated.subarray(0, random(mutated.length)) : mutated;
}

describe('random streams of frames', () => {
  test('say the same however they are cut, and the same as ws reads in them', async () => {
    const faults = new Map<number | undefined, number>();
    for (let seed = 1; seed <= 4_000; seed++) {
      const random = randomNumbers(seed);
      const bytes = mutate(randomStream(random), random);
      const whole = read(bytes);
      const cut = read(bytes, () => random(30));
      if (JSON.stringify([cut.lines, cut.code]) !== JSON.stringify([whole.lines, whole.code])) {
        expect.fail(`seed ${seed}: ${JSON.stringify([cut.lines, cut.code, whole.lines, whole.code])}`);
      }
      faults.set(whole.code, (faults.get(whole.code) ?? 0) + 1);
      const peer = await readByPeer(bytes);
      // The peer judges text at the end of its message only, and takes a length in a longer form than it needs.
      const isEarlier = whole.code === 1007 || (whole.code === 1002 && peer.code !== 1002);
      const lines = isEarlier ? peer.lines.slice(0, whole.lines.length) : peer.lines;
      expect([seed, lines]).toEqual([seed, whole.lines]);
      if (!isEarlier) expect([seed, peer.code]).toEqual([seed, whole.code]);
    }

    // The mutations reach every kind of end, or the comparison above says little.
    for (const code of [undefined, 1002, 1007, 1009]) expect(faults.get(code)).toBeGreaterThan(20);
  });
});
