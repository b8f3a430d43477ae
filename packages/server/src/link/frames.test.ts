/** One end of a link: order, the end, and frames that cannot be understood. */
import { duplexPair } from 'node:stream';
import { limits } from '@carillon/protocol';
import { expect, test } from 'vitest';
import { settled } from '../testing/linked.ts';
import { frame, kinds } from './frame-reader.ts';
import { FrameStream } from './frames.ts';

function pair() {
  const [near, far] = duplexPair();
  const stream = new FrameStream(near);
  const heard: string[] = [];
  stream.receive(kinds.gap, (body) => heard.push(body.toString()));
  let ended = 0;
  stream.onEnded(() => {
    ended += 1;
  });
  return { near, far, stream, heard, ended: () => ended };
}

const gap = (text: string): Buffer => frame(kinds.gap, Buffer.from(text));

test('what one turn sends leaves in one write', async () => {
  const { far, stream } = pair();
  const chunks: number[] = [];
  far.on('data', (chunk: Buffer) => chunks.push(chunk.length));
  for (const text of ['a', 'b', 'c']) stream.send(gap(text));
  expect(stream.waitingBytes).toBe(18);
  await settled();
  expect(chunks).toEqual([18]);
  expect(stream.waitingBytes).toBe(0);
});

test('what waits is handed over in parts, and each that is taken is told', async () => {
  const { far, stream } = pair();
  const waiting: number[] = [];
  stream.onTaken(() => waiting.push(stream.waitingBytes));
  const body = Buffer.alloc(limits.joinedWriteBytes - 100);
  for (let number = 0; number < 4; number++) stream.send(frame(kinds.gap, body));
  await settled();
  // Nobody reads yet.
  expect(waiting).toEqual([]);
  far.resume();
  await settled();
  const each = body.length + 5;
  expect(waiting).toEqual([3 * each, 2 * each, each, 0]);
});

test('a frame that stops further ones is followed by them in a later turn', async () => {
  const { far, stream, heard } = pair();
  stream.receive(kinds.answer, () => {
    stream.hold();
    setImmediate(() => heard.push('meanwhile'));
  });
  far.write(Buffer.concat([gap('1'), frame(kinds.answer, Buffer.alloc(0)), gap('2')]));
  far.write(gap('3'));
  await settled();
  expect(heard.toSorted()).toEqual(['1', '2', '3', 'meanwhile']);
  expect(heard.slice(0, 1)).toEqual(['1']);
  expect(heard.filter((each) => each !== 'meanwhile')).toEqual(['1', '2', '3']);
});

test.each([
  ['of an unknown kind', Buffer.from([0, 0, 0, 0, 99])],
  ['longer than any', Buffer.from([255, 255, 255, 255, kinds.gap])],
  ['that its receiver does not understand', frame(kinds.answer, Buffer.from('x'))],
])('a frame %s ends the link, and what follows it is not heard', async (_, bytes) => {
  const { far, near, stream, heard, ended } = pair();
  stream.receive(kinds.answer, (body) => void body.readUInt32LE(0));
  far.write(Buffer.concat([gap('1'), bytes, gap('2')]));
  await settled();
  expect(heard).toEqual(['1']);
  expect(near.destroyed).toBe(true);
  expect(stream.fault).toBeInstanceOf(Error);
  expect(ended()).toBe(1);
  stream.send(gap('to nobody'));
  expect(stream.isOver).toBe(true);
});

test('an end is told when everything before it has been taken', async () => {
  const { far, stream } = pair();
  let bytes = 0;
  let hasEnded = false;
  far.on('end', () => {
    hasEnded = true;
    far.end();
  });
  for (let number = 0; number < 3; number++) stream.send(frame(kinds.gap, Buffer.alloc(200_000)));
  stream.end();
  stream.send(gap('after the end'));
  await settled();
  expect(hasEnded).toBe(false);
  far.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  await settled();
  expect(hasEnded).toBe(true);
  expect(bytes).toBe(3 * 200_005);
  expect(stream.isOver).toBe(true);
  expect(stream.fault).toBeUndefined();
});

test('more than the bound for an end that does not read cuts the link', async () => {
  const { stream, near } = pair();
  const part = frame(kinds.gap, Buffer.alloc(16_777_216));
  for (let bytes = 0; bytes <= limits.linkBytes; bytes += part.length) stream.send(part);
  expect(near.destroyed).toBe(true);
  expect(String(stream.fault)).toContain('does not read');
  await settled();
  expect(stream.isOver).toBe(true);
});
