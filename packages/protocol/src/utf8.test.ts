/** The length of text in UTF-8, measured against Buffer. */
import { expect, it } from 'vitest';
import { pick, random } from '../../../test/support/random.ts';
import { utf8Length } from './utf8.ts';

const pieces = [
  'a',
  '\u007f',
  '\u0080',
  '\u07ff',
  '\u0800',
  '\uffff',
  '😀',
  '\u{10ffff}',
  '\ud800',
  '\udbff',
  '\udc00',
  '\udfff',
];

it('counts one to four bytes a character', () => {
  expect(utf8Length('')).toBe(0);
  expect(utf8Length('aé€😀')).toBe(1 + 2 + 3 + 4);
});

it('counts an unpaired surrogate as the replacement character', () => {
  expect(utf8Length('\ud800')).toBe(3);
  expect(utf8Length('\udc00\ud800')).toBe(6);
  expect(utf8Length('a\ud800')).toBe(4);
});

it('agrees with Buffer.byteLength over 5,000 seeded strings', () => {
  for (let seed = 1; seed <= 5_000; seed++) {
    const draw = random(seed);
    const text = Array.from({ length: draw(12) }, () => pick(draw, pieces)).join('');
    expect(utf8Length(text), `seed ${seed}: ${JSON.stringify(text)}`).toBe(Buffer.byteLength(text));
  }
});
