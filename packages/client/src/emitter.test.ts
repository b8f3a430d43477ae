import { expect, test } from 'vitest';
import { Emitter } from './emitter.ts';

interface Events {
  readonly word: [word: string];
  readonly other: [];
}

test('a listener that throws is reported and does not keep the others from hearing', () => {
  const reported: unknown[] = [];
  const heard: string[] = [];
  const emitter = new Emitter<Events>((error, event) => reported.push([error, event]));
  const fault = new Error('fault');
  emitter.on('word', () => {
    throw fault;
  });
  emitter.on('word', (word) => heard.push(word));
  emitter.emit('word', 'a');
  expect(heard).toEqual(['a']);
  expect(reported).toEqual([[fault, 'word']]);
});

test('a listener that was removed while the event is told to others hears no later one', () => {
  const heard: string[] = [];
  const emitter = new Emitter<Events>(() => {});
  const off = emitter.on('word', (word) => heard.push(word));
  emitter.emit('word', 'a');
  off();
  off();
  emitter.emit('word', 'b');
  expect(heard).toEqual(['a']);
  expect(emitter.count('word')).toBe(0);
});

test('a listener added while an event is told hears the next one only', () => {
  const heard: string[] = [];
  const emitter = new Emitter<Events>(() => {});
  emitter.on('word', () => {
    emitter.on('word', listen);
  });
  const listen = (word: string) => heard.push(word);
  emitter.emit('word', 'a');
  emitter.emit('word', 'b');
  expect(heard).toEqual(['b']);
});
