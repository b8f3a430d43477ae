import { expect, test } from 'vitest';
import { CarillonError } from './errors.ts';
import { dataText, readFrame } from './frames.ts';

test('one object and an array of objects are read as frames', () => {
  expect(readFrame('{"id":1,"result":{}}')).toEqual([{ id: 1, result: {} }]);
  expect(readFrame('[{"id":1},{"event":"a"}]')).toEqual([{ id: 1 }, { event: 'a' }]);
});

test.each(['', 'pong', '1', '"text"', 'null', '[1]', '[[]]', '{"id":1', undefined, new ArrayBuffer(1)])(
  'what is not the protocol is no frame: %j',
  (frame) => {
    expect(readFrame(frame)).toBeUndefined();
  },
);

test('a publish command carries any JSON value, and text that could break out of it', () => {
  for (const data of [null, 0, '', false, [], {}, '"}', { '"': '},{' }, 'é\u2028\ud800']) {
    const command = JSON.parse(dataText({ op: 'publish', channel: 'a"b', idempotency_key: 'k' }, data));
    expect(command).toEqual({ op: 'publish', channel: 'a"b', idempotency_key: 'k', data });
  }
});

test('data that JSON cannot hold is refused by name', () => {
  const ring: { self?: unknown } = {};
  ring.self = ring;
  for (const data of [undefined, () => 1, Symbol('s'), 1n, ring]) {
    expect(() => dataText({ op: 'publish' }, data)).toThrow(CarillonError);
  }
});
