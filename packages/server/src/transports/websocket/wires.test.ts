import { describe, expect, test } from 'vitest';
import type { Publication } from '../../core/broker.ts';
import { cursorEntry } from '../../core/cursor.ts';
import type { Wire } from '../../core/wire.ts';
import { serverFrames } from '../../testing/client-frames.ts';
import { bareWire, jsonStampedWire, jsonWire, nativeWire, rawWire } from './wires.ts';

function frameOf(wire: Wire, label: string, publication: Publication): { opcode: number; text: string } {
  const bytes = wire.publication(label, publication, 'epoch');
  const { frames, rest } = serverFrames(bytes);
  expect(rest.length).toBe(0);
  const [frame] = frames;
  return { opcode: frame?.opcode ?? -1, text: frame?.payload.toString() ?? '' };
}

describe('the native wire', () => {
  test('wraps the data as it was published in an event', () => {
    const data = '{"n":12345678901234567890,"b":1,"a":[]}';
    expect(frameOf(nativeWire, 'chat:a', { offset: 7, data })).toEqual({
      opcode: 1,
      text: `{"event":"chat:a","data":${data},"offset":7}`,
    });
  });

  test('has no offset where the channel keeps no history', () => {
    expect(frameOf(nativeWire, 'a', { offset: 0, data: '1' }).text).toBe('{"event":"a","data":1}');
  });

  test('marks bytes as such', () => {
    expect(frameOf(nativeWire, 'a', { offset: 3, data: '"QQ=="', binary: true }).text).toBe(
      '{"event":"a","data":"QQ==","offset":3,"binary":true}',
    );
  });

  test('quotes every label, whatever came before it', () => {
    for (const label of ['a', 'a"b', 'a', '频道', '@user', 'a\\', '']) {
      expect(JSON.parse(frameOf(nativeWire, label, { offset: 1, data: '0' }).text)).toEqual({
        event: label,
        data: 0,
        offset: 1,
      });
    }
  });
});

describe.each([rawWire, bareWire])('the wire $name', (wire) => {
  test.each([
    ['"hello"', 'hello'],
    ['""', ''],
    ['"a\\"b\\u4f60\\n"', 'a"b你\n'],
    ['{"a":1}', '{"a":1}'],
    ['12345678901234567890', '12345678901234567890'],
    ['null', 'null'],
    ['["x"]', '["x"]'],
  ])('sends %s as the text %j', (data, text) => {
    expect(frameOf(wire, 'a', { offset: 1, data })).toEqual({ opcode: 1, text });
  });

  test('sends bytes as a binary frame', () => {
    const bytes = Buffer.from([0, 255, 1, 254]);
    const data = JSON.stringify(bytes.toString('base64'));
    expect(serverFrames(wire.publication('a', { offset: 1, data, binary: true }, 'epoch')).frames).toEqual([
      { opcode: 2, payload: bytes },
    ]);
  });

  test('sends messages as they are', () => {
    expect(serverFrames(wire.message('{"result":true}')).frames[0]?.payload.toString()).toBe(
      '{"result":true}',
    );
  });
});

test('only feeds are without events', () => {
  expect([nativeWire, rawWire, bareWire, jsonWire].map((wire) => wire.carriesEvents)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test('the JSON wire names channel, offset and cursor', () => {
  expect(frameOf(jsonWire, 'a', { offset: 2, data: '"x"' }).text).toBe(
    `{"channel":"a","data":"x","offset":2,"cursor":"${cursorEntry('a', 'epoch', 2)}"}`,
  );
  expect(frameOf(jsonWire, 'b', { offset: 0, data: '"QQ=="', binary: true }).text).toBe(
    '{"channel":"b","data":"QQ==","binary":true}',
  );
});

test('for several channels, the JSON wire is a message in two fragments', () => {
  const body = jsonStampedWire.publication('a', { offset: 2, data: '"x"' }, 'epoch');
  const stamp = jsonStampedWire.stamp?.('c.e.2') ?? Buffer.alloc(0);
  expect([body[0], stamp[0]]).toEqual([0x01, 0x80]);
  const text = Buffer.concat([body.subarray(2), stamp.subarray(2)]).toString();
  expect(text).toBe('{"channel":"a","data":"x","offset":2,"cursor":"c.e.2"}');
});

test('the JSON wires have words for a gap', () => {
  const gap = jsonWire.gap?.('a', { epoch: 'e', from: 2, to: 4 }) ?? Buffer.alloc(0);
  expect(serverFrames(gap).frames[0]?.payload.toString()).toBe(
    '{"channel":"a","type":"gap","epoch":"e","from":2,"to":4}',
  );
});
