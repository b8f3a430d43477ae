import { expect, test } from 'vitest';
import { readNotice } from './notice.ts';

test('takes what the shop publishes', () => {
  const sent = { kind: 'parcel', title: 'On its way', text: 'It comes tomorrow.', at: 1_700_000_000_000 };
  expect(readNotice(sent)).toEqual(sent);
});

test('takes a string for a title, and anything else for its JSON', () => {
  expect(readNotice('hello')).toEqual({ kind: 'news', title: 'hello' });
  expect(readNotice({ order: 42 })).toEqual({ kind: 'news', title: '{"order":42}' });
  expect(readNotice(null)).toEqual({ kind: 'news', title: 'null' });
});

test('leaves out members of the wrong kind', () => {
  expect(readNotice({ kind: 'bomb', title: 'x', text: 7, at: 1e300 })).toEqual({ kind: 'news', title: 'x' });
});

test('cuts what is too long, never inside a character', () => {
  const { title } = readNotice(`x${'😀'.repeat(200)}`);
  expect(title.length).toBeLessThanOrEqual(121);
  expect(title.isWellFormed()).toBe(true);
});
