import { expect, test } from 'vitest';
import { isLoopbackName } from './reach.ts';

test.each(['localhost', 'LOCALHOST', 'carillon.localhost', '127.0.0.1', '127.8.9.10', '[::1]'])(
  '%s is this machine',
  (name) => {
    expect(isLoopbackName(name)).toBe(true);
  },
);

test.each([
  '192.168.1.5',
  '0.0.0.0',
  'carillon.test',
  '127.example.com',
  'localhost.example.com',
  '[fe80::1]',
])('%s is the network', (name) => {
  expect(isLoopbackName(name)).toBe(false);
});
