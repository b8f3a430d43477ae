/** Plays docs/guides/from-nginx-lua-redis.md block by block, with a real Redis as the publisher where its config names one. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { kinds } from '../examples/kinds.ts';
import { type Block, blocksOf, readPage } from '../examples/markdown.ts';
import { root } from '../examples/pages.ts';
import { heard, Stage } from '../examples/stage.ts';
import { RedisServer } from '../support/redis.ts';
import { requireOrSkip } from '../support/require-or-skip.ts';

const page = 'docs/guides/from-nginx-lua-redis.md';
const redisServer = requireOrSkip('redis-server');
const patient = { timeout: 20_000, interval: 100 };
const blocks = blocksOf(page, readPage(root, page));

describe.skipIf(redisServer === undefined)(page, () => {
  let redis: RedisServer;
  let stage: Stage;

  beforeAll(async () => {
    redis = await RedisServer.start(redisServer ?? '');
    stage = await Stage.open();
  });
  afterAll(async () => {
    await stage?.close();
    await redis?.[Symbol.asyncDispose]();
  });

  /** The block with the port of this Redis instead of the usual one. */
  function adapted(block: Block): Block {
    const code = block.code
      .replaceAll(':6379', `:${redis.port}`)
      .replaceAll('redis-cli ', `redis-cli -p ${redis.port} `);
    return { ...block, code };
  }

  test('shows a config for each of the five designs', () => {
    const served = blocks.filter(({ options }) => options.has('serve'));
    expect(served).toHaveLength(5);
    expect(served.filter(({ code }) => code.includes('ingest:'))).toHaveLength(3);
  });

  test.each(blocks.map((block, at) => [block.line, block.language, block, blocks[at - 1]] as const))(
    'line %i: %s',
    { timeout: 60_000 },
    async (_, __, block, before) => {
      const kind = kinds.get(`${block.language} ${block.kind}`);
      if (kind === undefined) throw new Error(`nobody runs '${block.language} ${block.kind}'`);
      const run = (): void | Promise<void> => kind(adapted(block), stage);
      if (before !== undefined && asksForHistory(block, before)) {
        // What comes by Redis is there a moment after its publisher has the answer.
        await vi.waitFor(async () => {
          await kinds.get('sh run')?.(adapted(before), stage);
          await run();
        }, patient);
      } else await run();
      if (block.options.has('serve') && block.code.includes('ingest:')) {
        const data = JSON.stringify({ name: 'docs', text: heard });
        stage.publish = async (channel) => void (await redis.cli('PUBLISH', channel, data));
      }
    },
  );
});

function asksForHistory(block: Block, before: Block): boolean {
  return block.kind === 'answer' && before.kind === 'run' && before.code.includes('/v1/history');
}
