import { describe, expect, test } from 'vitest';
import { readLine } from './line.ts';

describe('readLine', () => {
  test('takes a string for a line without a name', () => {
    expect(readLine('hello from curl')).toEqual({ kind: 'chat', text: 'hello from curl' });
  });

  test('takes an object with a name and a text for a chat line of that name', () => {
    expect(readLine({ name: 'backend', text: 'hi' })).toEqual({ kind: 'chat', name: 'backend', text: 'hi' });
    const own = { name: 'Fox', text: 'hi', from: 'f', id: '1', at: 5 };
    expect(readLine(own)).toEqual({ kind: 'chat', ...own });
  });

  test('leaves out members of the wrong kind', () => {
    const odd = { name: ' ', text: 'hi', from: 1, id: {}, at: 1e300 };
    expect(readLine(odd)).toEqual({ kind: 'chat', text: 'hi' });
    expect(readLine({ name: {}, text: 'hi', at: Number.NaN })).toEqual({ kind: 'chat', text: 'hi' });
  });

  test('shows anything else as its JSON', () => {
    expect(readLine(7)).toEqual({ kind: 'json', text: '7' });
    expect(readLine(null)).toEqual({ kind: 'json', text: 'null' });
    expect(readLine([1, 'a'])).toEqual({ kind: 'json', text: '[\n  1,\n  "a"\n]' });
    expect(readLine({ text: 5 }).text).toBe('{\n  "text": 5\n}');
  });

  test('gives what has no time of its own the time it arrived, where that is known', () => {
    expect(readLine('hi', 7).at).toBe(7);
    expect(readLine({ order: 1 }, 7).at).toBe(7);
    expect(readLine({ text: 'hi', at: 'noon' }, 7).at).toBe(7);
    expect(readLine({ text: 'hi', at: 5 }, 7).at).toBe(5);
  });

  test('cuts what is too long, never inside a character', () => {
    const { text } = readLine('😀'.repeat(15_000));
    expect(text.endsWith('😀…')).toBe(true);
    expect(text.isWellFormed()).toBe(true);
    expect(readLine(`x${'😀'.repeat(15_000)}`).text.isWellFormed()).toBe(true);
    expect(readLine({ name: 'n'.repeat(100), text: '' }).name?.length).toBe(41);
  });
});
