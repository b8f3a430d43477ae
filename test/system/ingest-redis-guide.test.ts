/** Plays docs/guides/redis-ingest.md against a real Redis, block by block. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Block, blocksOf, readPage } from '../examples/markdown.ts';
import { root } from '../examples/pages.ts';
import { difference } from '../examples/transcript.ts';
import {
  carillonBin,
  freePort,
  plainEnvironment,
  type RunningCarillon,
  startCarillon,
} from '../support/carillon.ts';
import { Listener } from '../support/listener.ts';
import { RedisServer } from '../support/redis.ts';
import { requireOrSkip } from '../support/require-or-skip.ts';

const page = 'docs/guides/redis-ingest.md';
const path = requireOrSkip('redis-server');
const patient = { timeout: 20_000, interval: 50 };

describe.skipIf(path === undefined)(page, () => {
  let redis: RedisServer;
  let carillon: RunningCarillon | undefined;
  let folder: string;
  let port: number;
  let printed = '';
  /** The last command, which is asked again where its answer is expected to come a moment later. */
  let last = '';

  beforeAll(async () => {
    redis = await RedisServer.start(path ?? '');
    folder = mkdtempSync(join(tmpdir(), 'carillon-guide-'));
    port = await freePort();
  });
  afterAll(async () => {
    await carillon?.stop();
    await redis?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The text with the ports that are in force instead of those that it names. */
  function adapt(text: string): string {
    return text.replaceAll(':6379', `:${redis.port}`).replaceAll(':6790', `:${port}`);
  }

  function run(command: string, args: readonly string[], input = ''): Promise<string> {
    return new Promise((resolve, reject) => {
      const env = { ...plainEnvironment(), CARILLON_API_KEY: 'replace-this-by-a-long-random-text' };
      const child = execFile(
        command,
        [...args],
        { cwd: folder, env, timeout: 20_000 },
        (error, stdout, stderr) => {
          if (error === null) resolve(stdout);
          else reject(new Error(`${error.message}\n${stdout}${stderr}`));
        },
      );
      child.stdin?.end(input);
    });
  }

  function shell(): Promise<string> {
    return run(
      'bash',
      ['-euo', 'pipefail'],
      `redis-cli() { command redis-cli -p ${redis.port} "$@"; }\n${last}`,
    );
  }

  async function play({ line, language, kind, options, code }: Block): Promise<void> {
    switch (`${language} ${kind}`) {
      case 'ts config': {
        mkdirSync(join(folder, `line-${line}`));
        const file = join(folder, `line-${line}`, 'carillon.config.ts');
        writeFileSync(file, adapt(code));
        expect(await run(process.execPath, [carillonBin, 'check', file])).toContain('can be used');
        if (!options.has('serve')) return;
        await carillon?.stop();
        carillon = await startCarillon({ port, args: ['--config', file] });
        return;
      }
      case 'sh run':
        last = adapt(code);
        printed = await shell();
        return;
      case 'text output':
        expect(printed).toContain(code.trim());
        return;
      case 'json answer':
        // What a stream or a list brings is there a moment after it was added.
        await expect
          .poll(async () => difference(JSON.parse(code), JSON.parse(await shell()), new Map()), patient)
          .toBeUndefined();
        return;
      default:
        throw new Error(`${page}:${line}: nobody runs '${language} ${kind}'`);
    }
  }

  test.each(blocksOf(page, readPage(root, page)).map((block): [number, Block] => [block.line, block]))(
    'line %i',
    { timeout: 60_000 },
    async (_, block) => {
      await play(block);
      for (const [pathOfPage, channel] of pagesOf(block)) {
        const shown = await Listener.open(`${carillon?.wsUrl}${pathOfPage}`);
        await redis.cli('PUBLISH', channel, 'hello 你好');
        expect(await shown.until(1)).toEqual(['hello 你好']);
        shown[Symbol.dispose]();
      }
    },
  );

  /** What the pages of older designs open, and where a backend then publishes. */
  function pagesOf({ code }: Block): readonly (readonly [string, string])[] {
    if (code.includes("'/webws'")) return [['/webws?channel=%22zhang%22', 'chat:zhang']];
    return code.includes("'/ws'") ? [['/ws', 'chat']] : [];
  }
});
