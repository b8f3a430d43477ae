/** Blocks that are files of hooks, and backends that hooks ask. */
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Block } from './markdown.ts';
import type { Stage } from './stage.ts';

const patienceMs = 20_000;

/** Saves the file where the next config looks for it, and where the one in force does; then the new hooks must take over. */
export async function saveHooks(
  block: Block,
  stage: Stage,
  compile: (file: string) => Promise<void>,
): Promise<void> {
  const text = stage.adapt(block.code);
  writeFileSync(join(stage.folder, 'hooks.ts'), text);
  const inForce = join(stage.configFolder, 'hooks.ts');
  const before = await stage.hookGeneration();
  if (existsSync(inForce)) writeFileSync(inForce, text);
  await compile('hooks.ts');
  if (before === undefined) return;
  await until(async () => ((await stage.hookGeneration()) ?? 0) > before, 'new generation of hooks');
}

/** Starts a program that answers on port 8000, instead of the one before it; skipped aloud where there is no interpreter. */
export async function startBackend(
  block: Block,
  stage: Stage,
  command: string,
  args: readonly string[],
): Promise<void> {
  const found = await stage.run('sh', ['-c', `command -v ${command}`]);
  if (found.code !== 0) return console.warn(`${block.page}:${block.line} SKIPPED for want of ${command}`);
  const [file = ''] = args.slice(-1);
  writeFileSync(join(stage.folder, file), block.code.replace(/\b8000\b/g, String(stage.pagePort)));
  await stage.stopBackend();
  const adapted = args.map((arg) => stage.adapt(arg));
  const child = spawn(command, adapted, { cwd: stage.folder, stdio: 'ignore' });
  stage.stopBackend = async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null)
      await new Promise((ended) => child.on('close', ended));
  };
  const url = stage.adapt('http://127.0.0.1:8000/');
  await until(async () => (await fetch(url).catch(() => undefined)) !== undefined, `answer of ${command}`);
  expect(child.exitCode).toBeNull();
}

async function until(isThere: () => Promise<boolean>, what: string): Promise<void> {
  for (let waited = 0; waited < patienceMs; waited += 50) {
    if (await isThere()) return;
    await sleep(50);
  }
  throw new Error(`no ${what}`);
}
