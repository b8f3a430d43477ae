import { limits } from '@carillon/protocol';
import { expect, test } from 'vitest';
import { startCore } from '../testing/core-host.ts';

test('what a client publishes is nested no deeper than what a backend may: the parsers of others must cope with it', async () => {
  const host = await startCore();
  const client = host.connect();
  const publish = (id: number, depth: number): string =>
    `{"id":${id},"op":"publish","channel":"h:1","data":${'['.repeat(depth)}"${'x'.repeat(999)}"${']'.repeat(depth)}}`;
  expect(await client.ask(publish(1, limits.nesting + 1))).toEqual([
    { id: 1, code: 107, msg: expect.stringContaining("'data' is nested deeper than 512") },
  ]);
  expect(await client.ask(publish(2, limits.nesting))).toMatchObject([{ id: 2, result: { offset: 1 } }]);
});
