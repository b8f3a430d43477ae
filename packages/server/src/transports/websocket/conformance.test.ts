/** The cases of the Autobahn fuzzing client, sections 1 to 7, against our own echo over real sockets. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientFrame, closePayload, type FrameOptions } from '../../testing/client-frames.ts';
import { RawClient } from '../../testing/raw-client.ts';
import { startHost, type WebSocketHost } from '../../testing/websocket-host.ts';

const text = 1;
const binary = 2;
const close = 8;
const ping = 9;
const pong = 10;

let host: WebSocketHost;
beforeAll(async () => {
  host = await startHost({ maxFrameBytes: 16 * 1024 * 1024 });
});
afterAll(() => host.stop());

/** What the server says: `[opcode, payload]`, and last the code of its close frame as a number. */
type Answer = readonly [opcode: number, payload: string] | number;

/**
 * Sends the bytes, whole or in packets of `chop` bytes, and compares all that comes back. Where no close is expected
 * the client closes with 1000 and expects that code.
 */
async function exchange(
  frames: readonly Buffer[],
  expected: readonly Answer[],
  chop?: number,
): Promise<void> {
  const client = await RawClient.open(host.port, '/sub');
  const refused = typeof expected.at(-1) === 'number';
  const bytes = Buffer.concat(refused ? frames : [...frames, clientFrame(close, closePayload(1000))]);
  if (chop === undefined) client.send(bytes);
  else await client.sendChunks(bytes, chop);
  const answers = (await client.rest()).map(({ opcode, payload }): Answer => {
    if (opcode === close) return payload.length === 0 ? 0 : payload.readUInt16BE(0);
    return [opcode, payload.toString('latin1')];
  });
  expect(answers).toEqual(refused ? expected : [...expected, 1000]);
  await client.close();
}

const latin1 = (payload: Buffer | string): string => Buffer.from(payload).toString('latin1');
const part = (opcode: number, payload: Buffer | string, options: FrameOptions = {}): Buffer =>
  clientFrame(opcode, payload, { final: false, ...options });

describe('1 framing', () => {
  for (const [section, opcode] of [
    ['1.1', text],
    ['1.2', binary],
  ] as const) {
    test.each([0, 125, 126, 127, 128, 65_535, 65_536])(
      `${section} a message of %i bytes comes back`,
      (size) => {
        const payload = '*'.repeat(size);
        return exchange([clientFrame(opcode, payload)], [[opcode, payload]]);
      },
    );
    test(`${section}.8 a message of 65,536 bytes in packets of 997 comes back`, () => {
      const payload = '*'.repeat(65_536);
      return exchange([clientFrame(opcode, payload)], [[opcode, payload]], 997);
    });
  }
});

describe('2 pings and pongs', () => {
  test.each(['', 'Hello, world!', '\u0000\u00ff\u00fe\u00fd', '\u00fe'.repeat(125)])(
    '2.1-2.4 the payload %j comes back',
    (payload) => {
      const bytes = Buffer.from(payload, 'latin1');
      return exchange([clientFrame(ping, bytes)], [[pong, payload]]);
    },
  );
  test('2.5 a ping of 126 bytes fails', () => exchange([clientFrame(ping, Buffer.alloc(126, 0xfe))], [1002]));
  test('2.6 a ping byte by byte is answered', () => {
    const bytes = Buffer.alloc(125, 0xfe);
    return exchange([clientFrame(ping, bytes)], [[pong, latin1(bytes)]], 1);
  });
  test.each(['', 'unsolicited'])('2.7, 2.8 a pong %j that nobody asked for is ignored', (payload) =>
    exchange([clientFrame(pong, payload)], []),
  );
  test('2.9 a ping behind such a pong is answered', () =>
    exchange([clientFrame(pong, 'unsolicited'), clientFrame(ping, 'ping')], [[pong, 'ping']]));
  test.each([undefined, 1])('2.10, 2.11 ten pings are answered in order, in packets of %s', (chop) => {
    const payloads = Array.from({ length: 10 }, (_value, index) => `payload-${index}`);
    return exchange(
      payloads.map((payload) => clientFrame(ping, payload)),
      payloads.map((payload): Answer => [pong, payload]),
      chop,
    );
  });
});

describe('3 reserved bits', () => {
  const hello = clientFrame(text, 'Hello');
  const echo: Answer = [text, 'Hello'];
  test('3.1 a first message with the third bit fails', () =>
    exchange([clientFrame(text, 'Hello', { reserved: 1 })], [1002]));
  test.each([
    ['3.2', 2, undefined],
    ['3.3', 3, undefined],
    ['3.4', 4, 1],
  ])('%s what came before bits %i is still answered', (_case, reserved, chop) =>
    exchange([hello, clientFrame(text, 'Hello', { reserved }), clientFrame(ping)], [echo, 1002], chop),
  );
  test('3.5 so does a binary message', () =>
    exchange([clientFrame(binary, Buffer.alloc(8, 0xff), { reserved: 5 })], [1002]));
  test('3.6 and a ping', () => exchange([clientFrame(ping, 'x', { reserved: 6 })], [1002]));
  test('3.7 and a close', () => exchange([clientFrame(close, '', { reserved: 7 })], [1002]));
});

describe('4 opcodes', () => {
  test.each([3, 4, 5, 6, 7, 11, 12, 13, 14, 15])('4.1, 4.2 the reserved opcode %i fails', async (opcode) => {
    await exchange([clientFrame(opcode)], [1002]);
    await exchange([clientFrame(opcode, 'reserved')], [1002]);
    const hello = clientFrame(text, 'Hello');
    await exchange([hello, clientFrame(opcode, 'x'), clientFrame(ping)], [[text, 'Hello'], 1002]);
    await exchange([hello, clientFrame(opcode), clientFrame(ping)], [[text, 'Hello'], 1002], 1);
  });
});

describe('5 fragmentation', () => {
  const whole: Answer = [text, 'fragment1fragment2'];
  const two = [part(text, 'fragment1'), clientFrame(0, 'fragment2')];
  test('5.1 a ping in fragments fails', () => exchange([part(ping, 'a'), clientFrame(0, 'b')], [1002]));
  test('5.2 a pong in fragments fails', () => exchange([part(pong, 'a'), clientFrame(0, 'b')], [1002]));
  test.each([undefined, 10, 1])('5.3-5.5 two fragments come back whole, in packets of %s', (chop) =>
    exchange(two, [whole], chop),
  );
  test.each([undefined, 10, 1])('5.6-5.8 a ping between them is answered first, in packets of %s', (chop) =>
    exchange(
      [part(text, 'fragment1'), clientFrame(ping, 'ping'), clientFrame(0, 'fragment2')],
      [[pong, 'ping'], whole],
      chop,
    ),
  );
  test.each([
    ['5.9, 5.10', true, undefined],
    ['5.11', true, 1],
    ['5.12, 5.13', false, undefined],
    ['5.14', false, 1],
  ])('%s a continuation of nothing (final: %s) fails', (_case, final, chop) =>
    exchange([clientFrame(0, 'nothing', { final }), clientFrame(text, 'Hello')], [1002], chop),
  );
  test('5.15 so does one after a finished message', () =>
    exchange([...two, part(0, 'fragment3'), clientFrame(text, 'fragment4')], [whole, 1002]));
  test.each([false, true])('5.16, 5.17 and two that begin with one (final: %s)', (final) =>
    exchange(
      [clientFrame(0, 'fragment1', { final }), part(text, 'fragment2'), clientFrame(0, 'fragment3')],
      [1002],
    ),
  );
  test('5.18 a second message within the first fails', () =>
    exchange([part(text, 'fragment1'), clientFrame(text, 'fragment2')], [1002]));
  test.each([undefined, 1])(
    '5.19, 5.20 pings among five fragments are answered first, in packets of %s',
    (chop) =>
      exchange(
        [
          part(text, 'fragment1'),
          part(0, 'fragment2'),
          clientFrame(ping, 'ping1'),
          part(0, 'fragment3'),
          part(0, 'fragment4'),
          clientFrame(ping, 'ping2'),
          clientFrame(0, 'fragment5'),
        ],
        [
          [pong, 'ping1'],
          [pong, 'ping2'],
          [text, 'fragment1fragment2fragment3fragment4fragment5'],
        ],
        chop,
      ),
  );
});

describe('6 UTF-8', () => {
  const good = Buffer.from('Hello-µ@ßöäüàá-UTF-8!!');
  const greek = Buffer.from('cebae1bdb9cf83cebcceb5', 'hex');
  test.each([[[0]], [[0, 0, 0]], [[0, 13, 0]]])(
    '6.1 empty fragments around content are no content: %j',
    (sizes) =>
      exchange(
        sizes.map((size, index) =>
          clientFrame(index === 0 ? text : 0, '*'.repeat(size), { final: index === sizes.length - 1 }),
        ),
        [[text, '*'.repeat(sizes.reduce((sum, size) => sum + size))]],
      ),
  );
  test('6.2.1 UTF-8 comes back', () => exchange([clientFrame(text, good)], [[text, latin1(good)]]));
  test('6.2.2 in two fragments cut between characters', () =>
    exchange([part(text, good.subarray(0, 12)), clientFrame(0, good.subarray(12))], [[text, latin1(good)]]));
  test.each([good, greek])('6.2.3, 6.2.4 in fragments of one byte', (payload) =>
    exchange(
      Array.from(payload, (_byte, at) =>
        clientFrame(at === 0 ? text : 0, payload.subarray(at, at + 1), { final: at === payload.length - 1 }),
      ),
      [[text, latin1(payload)]],
    ),
  );

  const surrogate = Buffer.concat([greek, Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('edited')]);
  test('6.3.1 a surrogate fails', () => exchange([clientFrame(text, surrogate)], [1007]));
  test('6.3.2 also in fragments of one byte', () =>
    exchange(
      Array.from(surrogate, (_byte, at) =>
        clientFrame(at === 0 ? text : 0, surrogate.subarray(at, at + 1), {
          final: at === surrogate.length - 1,
        }),
      ),
      [1007],
    ));
  test.each([
    ['6.4.1', [greek, Buffer.from([0xf4, 0x90, 0x80, 0x80])]],
    ['6.4.2', [Buffer.concat([greek, Buffer.from([0xf4])]), Buffer.from([0x90])]],
  ])('%s the fault is judged at its fragment, without waiting for the rest', (_case, fragments) =>
    exchange(
      fragments.map((payload, index) => part(index === 0 ? text : 0, payload)),
      [1007],
    ),
  );
  test.each([
    ['6.4.3', [greek, Buffer.from([0xf4, 0x90, 0x80, 0x80])]],
    ['6.4.4', [Buffer.concat([greek, Buffer.from([0xf4])]), Buffer.from([0x90])]],
  ])('%s and within a frame, at its packet', async (_case, pieces) => {
    const payload = Buffer.concat([...pieces, Buffer.from('edited')]);
    const fatal = 6 + pieces.reduce((sum, piece) => sum + piece.length, 0);
    await exchange([clientFrame(text, payload).subarray(0, fatal)], [1007], 6 + (pieces[0]?.length ?? 0));
  });

  test.each([
    ['6.5', 'cebae1bdb9cf83cebcceb5'],
    ['6.7', '00'],
    ['6.7', 'c280'],
    ['6.7', 'e0a080'],
    ['6.7', 'f0908080'],
    ['6.9', '7f'],
    ['6.9', 'dfbf'],
    ['6.9', 'efbfbf'],
    ['6.9', 'f48fbfbf'],
    ['6.11', 'ed9fbf'],
    ['6.11', 'ee8080'],
    ['6.11', 'efbfbd'],
    ['6.11', 'f48fbfbf'],
    ['6.22', 'efbfbe'],
    ['6.22', 'f09fbfbe'],
    ['6.22', 'f3bfbfbf'],
    ['6.23', 'efbfb9'],
    ['6.23', 'efbbbf61'],
  ])('%s valid: %s', (_case, hex) => {
    const payload = Buffer.from(hex, 'hex');
    return exchange([clientFrame(text, payload)], [[text, latin1(payload)]]);
  });

  test.each([
    // A first character cut short, of every length.
    ...['ce', 'cebae1', 'cebae1bd', 'cebae1bdb9cf'].map((hex) => ['6.6', hex] as const),
    // The first and last sequences of five and six bytes.
    ['6.8', 'f888808080'],
    ['6.8', 'fc8480808080'],
    ['6.10', 'f7bfbfbf'],
    ['6.10', 'fbbfbfbfbf'],
    ['6.10', 'fdbfbfbfbfbf'],
    ['6.11', 'f4908080'],
    // Continuations without a beginning.
    ...[1, 2, 3, 4, 5, 6, 7, 63].map((count) => ['6.12', '80bf'.repeat(32).slice(0, 2 * count)] as const),
    // Beginnings without a continuation.
    ['6.13', 'c020c120c220de20df20'],
    ['6.13', 'e020e120ee20ef20'],
    ['6.13', 'f020f120f620f720'],
    ['6.13', 'f820f920fa20fb20'],
    ['6.13', 'fc20fd20'],
    // The last continuation is missing.
    ...[
      'c0',
      'e080',
      'f08080',
      'f8808080',
      'fc80808080',
      'df',
      'efbf',
      'f7bfbf',
      'fbbfbfbf',
      'fdbfbfbfbf',
    ].map((hex) => ['6.14', hex] as const),
    ['6.15', 'c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf'],
    ['6.16', 'fe'],
    ['6.16', 'ff'],
    ['6.16', 'fefeffff'],
    // Longer forms than needed.
    ...['c0af', 'e080af', 'f08080af', 'f8808080af', 'fc80808080af'].map((hex) => ['6.17', hex] as const),
    ...['c1bf', 'e09fbf', 'f08fbfbf', 'f887bfbfbf', 'fc83bfbfbfbf'].map((hex) => ['6.18', hex] as const),
    ...['c080', 'e08080', 'f0808080', 'f880808080', 'fc8080808080'].map((hex) => ['6.19', hex] as const),
    // Surrogates, single and in pairs.
    ...['eda080', 'edadbf', 'edae80', 'edafbf', 'edb080', 'edbe80', 'edbfbf'].map(
      (hex) => ['6.20', hex] as const,
    ),
    ...['eda080edb080', 'eda080edbfbf', 'edadbfedb080', 'edaebfedbfbf', 'edafbfedb080'].map(
      (hex) => ['6.21', hex] as const,
    ),
  ] as readonly (readonly [string, string])[])('%s invalid: %s', async (_case, hex) => {
    const payload = Buffer.from(hex, 'hex');
    await exchange([clientFrame(text, payload)], [1007]);
    await exchange([clientFrame(text, payload)], [1007], 1);
    await exchange([clientFrame(binary, payload)], [[binary, latin1(payload)]]);
  });
});

describe('7 the close', () => {
  const bye = clientFrame(close, closePayload(1000));
  test('7.1.1 a close is answered after what came before it', () =>
    exchange([clientFrame(text, 'Hello'), bye], [[text, 'Hello'], 1000]));
  test('7.1.2 a second close is not', () => exchange([bye, bye], [1000]));
  test('7.1.3 nor a ping behind it', () => exchange([bye, clientFrame(ping)], [1000]));
  test('7.1.4 nor a message', () => exchange([bye, clientFrame(text, 'Hello')], [1000]));
  test('7.1.5 a close ends an unfinished message', () =>
    exchange([part(text, 'fragment1'), bye, clientFrame(0, 'fragment2')], [1000]));
  test('7.1.6 a large message and a close are both answered', () => {
    const payload = '*'.repeat(256 * 1024);
    return exchange(
      [clientFrame(text, payload), clientFrame(text, 'Hello'), bye, clientFrame(ping)],
      [[text, payload], [text, 'Hello'], 1000],
    );
  });
  test('7.3.1 an empty close is answered by an empty one', () => exchange([clientFrame(close)], [0]));
  test('7.3.2 a payload of one byte fails', () => exchange([clientFrame(close, 'a')], [1002]));
  test.each(['', 'Hello World!', '*'.repeat(123)])('7.3.3-7.3.5 the reason %j is fine', (reason) =>
    exchange([clientFrame(close, closePayload(1000, reason))], [1000]),
  );
  test('7.3.6 a reason of 124 bytes fails', () =>
    exchange([clientFrame(close, closePayload(1000, '*'.repeat(124)))], [1002]));
  test('7.5.1 a reason that is not UTF-8 fails', () =>
    exchange([clientFrame(close, closePayload(1000, Buffer.from('cebae1bdb9eda080', 'hex')))], [1007]));
  test.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999])(
    '7.7 the code %i is answered',
    (code) => exchange([clientFrame(close, closePayload(code))], [code]),
  );
  test.each([0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999])('7.9 the code %i fails', (code) =>
    exchange([clientFrame(close, closePayload(code))], [1002]),
  );
  test.each([5000, 65_535])('7.13 the code %i fails', (code) =>
    exchange([clientFrame(close, closePayload(code))], [1002]),
  );
});

describe('9, 10 limits', () => {
  test.each([64, 1_024, 65_536])('9.3 a message of 1 MiB in fragments of %i bytes comes back', (size) => {
    const payload = Buffer.alloc(1024 * 1024, '*');
    const frames: Buffer[] = [];
    for (let at = 0; at < payload.length; at += size) {
      frames.push(
        clientFrame(at === 0 ? text : 0, payload.subarray(at, at + size), {
          final: at + size >= payload.length,
        }),
      );
    }
    return exchange(frames, [[text, payload.toString()]]);
  });
  test('9.1 a message of 16 MiB comes back', () => {
    const payload = '*'.repeat(16 * 1024 * 1024);
    return exchange([clientFrame(text, payload)], [[text, payload]]);
  });
  test('one byte more fails', () =>
    exchange([clientFrame(text, '', { announced: 16 * 1024 * 1024 + 1 })], [1009]));
  test('10.1 a message in packets that do not match its fragments comes back', () => {
    const payload = '*'.repeat(65_536);
    const frames: Buffer[] = [];
    for (let at = 0; at < payload.length; at += 1_300) {
      frames.push(
        clientFrame(at === 0 ? text : 0, payload.slice(at, at + 1_300), {
          final: at + 1_300 >= payload.length,
        }),
      );
    }
    return exchange(frames, [[text, payload]], 777);
  });
});
