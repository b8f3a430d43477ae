import { describe, expect, it } from 'vitest';
import { dataOf, keyOf } from './streams.ts';

describe('the data of an entry', () => {
  it.each([
    [['data', '{ "a": 1 }', 'more', 'x'], '{ "a": 1 }'],
    [['id', '1', 'state', 'paid'], '{"id":"1","state":"paid"}'],
    [['__proto__', 'x'], '{"__proto__":"x"}'],
    [[], '{}'],
  ])('of %j is %s', (fields, data) => {
    expect(dataOf(fields.map((field) => Buffer.from(field)))?.toString()).toBe(data);
  });

  it('may be bytes in the field for it, and in no other', () => {
    const bytes = Buffer.from([0xff, 0xfe]);
    expect(dataOf([Buffer.from('data'), bytes])).toEqual(bytes);
    expect(dataOf([Buffer.from('other'), bytes])).toBeUndefined();
  });
});

describe('the idempotency key of an entry', () => {
  it('is its stream and its id', () => {
    expect(keyOf('orders', '1-0')).toBe('redis:orders:1-0');
  });

  it('stays within the limit, and tells long names apart', () => {
    const keys = ['a', 'b'].map((end) => keyOf('long'.repeat(100) + end, '1700000000000-12'));
    for (const key of keys) expect(Buffer.byteLength(key)).toBeLessThanOrEqual(255);
    expect(keys[0]).not.toBe(keys[1]);
    expect(keys[0]).toMatch(/:1700000000000-12$/);
  });
});
