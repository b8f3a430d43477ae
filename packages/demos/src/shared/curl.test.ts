import { expect, test } from 'vitest';
import { curlLine } from './curl.ts';

test('the curl line is the one of the README', () => {
  expect(curlLine('http://127.0.0.1:6790', 'room:lobby', 'hello from curl')).toBe(
    `curl -X POST http://127.0.0.1:6790/v1/publish -H 'Content-Type: application/json' -d '{"channel":"room:lobby","data":"hello from curl"}'`,
  );
});

test('a quote in a name cannot leave the quotes of the shell', () => {
  expect(curlLine('http://x', "room:it's", '')).toContain(`"room:it'\\''s"`);
});
