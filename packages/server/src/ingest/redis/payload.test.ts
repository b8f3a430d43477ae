import { expect, it } from 'vitest';
import { toPayload } from './payload.ts';

it.each([
  ['{ "b" : 9007199254740993123 , "a" : 1.50 }', '{"b":9007199254740993123,"a":1.50}'],
  [' "a  b" ', '"a  b"'],
  ['null', 'null'],
  ['12', '12'],
  ['hello', '"hello"'],
  ['', '""'],
  ['{"a":', '"{\\"a\\":"'],
  ['你好\n', '"你好\\n"'],
  ['\ufeff1', '"\ufeff1"'],
])('text %j becomes %s', (text, data) => {
  expect(toPayload(Buffer.from(text))).toEqual({ data });
});

it('bytes that are no text are kept as bytes', () => {
  expect(toPayload(Buffer.from([0x80, 0x00, 0xff]))).toEqual({ data: '"gAD/"', binary: true });
});
