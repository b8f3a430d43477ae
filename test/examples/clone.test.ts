/** A newcomer's first minute: a clone of this tree, `npm ci && npm start`, and the README's first publication. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { freePort, plainEnvironment } from '../support/carillon.ts';
import { blocksOf, readPage } from './markdown.ts';
import { root } from './pages.ts';

const { CI = '', CARILLON_TEST_CLONE = '' } = process.env;
const wanted = CARILLON_TEST_CLONE === '1' || !['', 'false', '0'].includes(CI);
if (!wanted)
  console.warn('SKIPPED a clone from nothing, which takes a while; CARILLON_TEST_CLONE=1 asks for it');

test.skipIf(!wanted)(
  'npm ci && npm start, then the first curl of the README and its six lines of client',
  { timeout: 300_000 },
  async () => {
    const clone = mkdtempSync(join(tmpdir(), 'carillon-clone-'));
    try {
      copyTree(clone);
      npm(clone, ['ci', '--prefer-offline', '--no-audit', '--no-fund']);
      const blocks = blocksOf('README.md', readPage(root, 'README.md'));
      const curl = blocks.find(({ language, kind }) => language === 'sh' && kind === 'run')?.code ?? '';
      expect(curl).toContain('/v1/publish');
      const client = blocks.find(({ language, kind }) => language === 'js' && kind === 'client')?.code ?? '';
      expect(client).toContain('@carillon/client');
      await started(clone, async (port) => {
        const publish = (): string =>
          execFileSync('bash', ['-c', curl.replaceAll(':6790', `:${port}`)], { encoding: 'utf8' });
        expect(JSON.parse(publish())).toMatchObject({ result: { offset: 1 } });
        writeFileSync(join(clone, 'client.mjs'), client.replaceAll(':6790', `:${port}`));
        expect(await printed(clone, 'client.mjs', publish)).toContain('hello');
        const home = await fetch(`http://127.0.0.1:${port}/`);
        expect([home.status, home.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
      });
    } finally {
      rmSync(clone, { recursive: true, force: true });
    }
  },
);

/** What a program of the clone prints, under the clone's own Node.js, while `publish` is called again and again. */
async function printed(cwd: string, program: string, publish: () => void): Promise<string> {
  const child = spawn(join(cwd, 'node_modules/.bin/node'), [program], { cwd, env: plainEnvironment() });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  }
  for (let tries = 0; tries < 100 && text === '' && child.exitCode === null; tries++) {
    publish();
    await sleep(200);
  }
  child.kill('SIGKILL');
  return text;
}

/** What git would give to another machine, with the changes that are not committed yet. */
function copyTree(target: string): void {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const path of new Set(listed.split('\0'))) {
    if (path === '' || !existsSync(join(root, path))) continue;
    mkdirSync(dirname(join(target, path)), { recursive: true });
    cpSync(join(root, path), join(target, path));
  }
}

function npm(cwd: string, args: readonly string[]): void {
  execFileSync('npm', [...args], { cwd, env: plainEnvironment(), stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Runs `npm start` on a free port for as long as `act` takes. */
async function started(cwd: string, act: (port: number) => Promise<void>): Promise<void> {
  const port = await freePort();
  // A group of its own: npm's child is ended with it.
  const child = spawn('npm', ['start'], {
    cwd,
    env: { ...plainEnvironment(), CARILLON_PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  });
  const ended = once(child, 'exit');
  try {
    for (let tries = 0; tries < 200 && child.exitCode === null; tries++) {
      if ((await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined))?.ok) break;
      await sleep(100);
    }
    await act(port);
  } finally {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
    await ended;
  }
}
