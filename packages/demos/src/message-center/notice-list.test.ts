import { expect, test } from 'vitest';
import { NoticeList } from './notice-list.ts';

const notice = { kind: 'news', title: 'x' } as const;

function listOf(...offsets: number[]): NoticeList {
  const list = new NoticeList();
  for (const offset of offsets) list.add(offset, notice);
  return list;
}

test('the newest come first, each once, in whatever order they arrive', () => {
  const list = listOf(2, 1, 3);
  expect(list.add(2, notice)).toBe(false);
  expect(list.all.map(({ offset }) => offset)).toEqual([3, 2, 1]);
  expect(list.top).toBe(3);
});

test('what is read stays read: the mark goes forward only', () => {
  const list = listOf(1, 2, 3);
  expect(list.unread).toBe(3);
  expect(list.readUpTo(2)).toBe(true);
  expect(list.readUpTo(1)).toBe(false);
  expect([list.read, list.unread]).toEqual([2, 1]);
});

test('a mark that came before the notifications counts for them', () => {
  const list = new NoticeList();
  list.readUpTo(5);
  list.add(5, notice);
  list.add(6, notice);
  expect(list.unread).toBe(1);
});

test('the oldest make room', () => {
  const list = listOf(...Array.from({ length: 205 }, (_, at) => at + 1));
  expect(list.all).toHaveLength(200);
  expect(list.all.at(-1)?.offset).toBe(6);
});

test('a channel that begins anew begins unread', () => {
  const list = listOf(1);
  list.readUpTo(9);
  list.clear();
  list.add(1, notice);
  expect([list.top, list.unread]).toEqual([1, 1]);
});
