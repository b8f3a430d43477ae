/** What is done with a block of each class. A class that is not here does not exist. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect } from 'vitest';
import { requireOrSkip } from '../support/require-or-skip.ts';
import { faultsOfBackend } from './backend-files.ts';
import { show } from './chromium.ts';
import { saveHooks, startBackend } from './hook-kinds.ts';
import type { Block } from './markdown.ts';
import { root } from './pages.ts';
import { faultsOfCaddyfile, faultsOfNginx, faultsOfUnit } from './site-files.ts';
import { describeOutcome, heard, type Outcome, type Stage } from './stage.ts';
import { Client, difference, learn, type Player, play, varying } from './transcript.ts';

type Kind = (block: Block, stage: Stage) => Promise<void> | void;

/** By language and class, as the info string has them. */
export const kinds: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  // Run to its end in the page's folder; `fails` says that it must not succeed.
  ['sh run', runShell],
  // Commands of a clone: `npm` scripts, which clone.test.ts runs from a copy.
  ['sh clone', checkNpmScripts],
  // For an administrator; read by the shell and not run.
  ['sh install', async (block, stage) => succeeds(block, await stage.run('bash', ['-n'], block.code))],
  // What the command before printed: the same JSON but for epochs and what `varies=` names, or a text that contains this.
  ['json answer', sameJson],
  ['text output', (block, stage) => void expect(stage.printed).toContain(block.code.trim())],
  // Programs that publish, by interpreter; skipped aloud where there is none.
  [
    'js run',
    async (block, stage) =>
      printsIn(stage, block, await stage.run('node', nodeArgs('js'), adapted(block, stage))),
  ],
  ['python run', (block, stage) => interpret(block, stage, 'python3', ['-'])],
  ['php run', (block, stage) => interpret(block, stage, 'php', [])],
  ['java run', (block, stage) => interpret(block, stage, 'java', ['Publish.java'])],
  // Programs that receive: they must print what is published to `channel=` (default `room:lobby`).
  ['js client', (block, stage) => listen(block, stage, ['node', ...nodeArgs('js')])],
  ['ts client', (block, stage) => listen(block, stage, ['node', ...nodeArgs('ts')])],
  // One command that goes on printing; it takes the place of the shell, so that ending it ends both.
  ['sh stream', (block, stage) => listen(block, stage, ['bash', '-euo', 'pipefail'], 'exec ')],
  // Pages: shown by Chromium from another site; they must show what is published.
  ['html page', (block, stage) => showPage(block, stage, adapted(block, stage), '')],
  ['js bundle', showBundle],
  ['tsx bundle', showBundle],
  // Written beside the config before it, for the compiler alone.
  ['ts types', checkTypes],
  // Saved as hooks.ts beside the configs after it; when the server in force has that file, it must take it over.
  [
    'ts hooks',
    (block, stage) => saveHooks(block, stage, (file) => compile(block, stage, stage.folder, file)),
  ],
  // Backends on port 8000, which stay to the end of the page, or until the next.
  ['python backend', (block, stage) => startBackend(block, stage, 'python3', ['backend.py'])],
  [
    'php backend',
    (block, stage) => startBackend(block, stage, 'php', ['-S', '127.0.0.1:8000', 'backend.php']),
  ],
  // Configs: `carillon check` accepts them; with `serve` the rest of the page runs against such a server.
  ...['ts', 'js', 'json', 'yaml'].map((language): [string, Kind] => [`${language} config`, checkConfig]),
  ['text session', playSession],
  // A WebSocket that stays open to the end of the page; `as=` names it. What it learns stands for itself in later blocks.
  ['text client', continueClient],
  ['nginx site', (block) => void expect(faultsOfNginx(block.code)).toEqual([])],
  ['caddyfile site', (block) => void expect(faultsOfCaddyfile(block.code)).toEqual([])],
  // Backends on a framework that is not installed here.
  ['js backend', (block) => void expect(faultsOfBackend(block.code)).toEqual([])],
  ['ini unit', (block) => void expect(faultsOfUnit(block.code)).toEqual([])],
  // To look at.
  ['text ', () => {}],
]);

async function runShell(block: Block, stage: Stage): Promise<void> {
  // In a clone `npx carillon` finds the committed command; this asks npm nothing and does the same.
  const outcome = await stage.run('bash', ['-euo', 'pipefail'], `npx() { "$@"; }\n${adapted(block, stage)}`);
  stage.printed = outcome.stdout;
  if (block.options.has('fails')) expect(outcome.code, describeOutcome(block, outcome)).not.toBe(0);
  else succeeds(block, outcome);
}

function checkNpmScripts({ code }: Block): void {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const known = new Set([
    'npm ci',
    'npm start',
    'npm test',
    ...Object.keys(scripts).map((name) => `npm run ${name}`),
  ]);
  const commands = code
    .replace(/(?:^|\s)#.*$/gm, '')
    .split(/&&|\n/)
    .map((command) => command.replace(/^\s*(?:[A-Z_]+=\S+ )*/, '').trim())
    .filter((command) => command !== '' && !/^(?:git clone \S+|cd \S+)$/.test(command));
  expect(commands.length).toBeGreaterThan(0);
  expect(commands.filter((command) => !known.has(command.replace(/ -- .*$/, '')))).toEqual([]);
}

/** What `varies=` names holds for the whole page; epochs and the like, only within the block and for what the page knows. */
function sameJson(block: Block, { printed, known }: Stage): void {
  const [said, came]: unknown[] = [JSON.parse(block.code), JSON.parse(printed)];
  const varies = new Set(block.options.get('varies')?.split(','));
  const here = new Map(known);
  const fault = difference(said, came, here, new Set([...varies, ...varying]));
  expect(fault, `${block.page}:${block.line} is not what was answered: ${printed}`).toBeUndefined();
  learn(said, came, known, varies);
}

async function interpret(
  block: Block,
  stage: Stage,
  command: string,
  args: readonly string[],
): Promise<void> {
  const found = await stage.run('sh', ['-c', `command -v ${command}`]);
  if (found.code !== 0) return console.warn(`${block.page}:${block.line} SKIPPED for want of ${command}`);
  const code = adapted(block, stage);
  for (const name of args.filter((arg) => arg.includes('.'))) writeFileSync(join(stage.folder, name), code);
  printsIn(stage, block, await stage.run(command, args, code));
}

function printsIn(stage: Stage, block: Block, outcome: Outcome): void {
  succeeds(block, outcome);
  stage.printed = outcome.stdout;
  expect(stage.printed.trim(), describeOutcome(block, outcome)).not.toBe('');
}

async function listen(block: Block, stage: Stage, command: string[], before = ''): Promise<void> {
  const channel = block.options.get('channel') ?? 'room:lobby';
  const outcome = await stage.listen(command, before + adapted(block, stage), channel, heard);
  succeeds(block, outcome);
  expect(outcome.stdout).toContain(heard);
}

/** Node.js reads the program from its input, and finds the packages of the clone by their sources. */
function nodeArgs(language: 'js' | 'ts'): string[] {
  const type = language === 'ts' ? 'module-typescript' : 'module';
  return [
    '--conditions=carillon-source',
    '--disable-warning=ExperimentalWarning',
    `--input-type=${type}`,
    '-',
  ];
}

async function showBundle(block: Block, stage: Stage): Promise<void> {
  const { outputFiles } = await build({
    stdin: {
      contents: adapted(block, stage),
      resolveDir: root,
      loader: block.language === 'tsx' ? 'tsx' : 'js',
    },
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    bundle: true,
    format: 'esm',
    write: false,
    conditions: ['carillon-source'],
    platform: 'browser',
    logLevel: 'silent',
  });
  const page = '<!doctype html><ul id="messages"></ul><script type="module" src="/app.js"></script>';
  await showPage(block, stage, page, outputFiles[0]?.text ?? '');
}

async function showPage(block: Block, stage: Stage, page: string, script: string): Promise<void> {
  const chromium = requireOrSkip('chromium');
  if (chromium === undefined) return;
  const channel = block.options.get('channel') ?? 'room:lobby';
  const files = new Map([
    ['/', page],
    ['/app.js', script],
  ]);
  const shown = await show(chromium, { port: stage.pagePort, files }, heard, () => stage.publish(channel));
  expect(shown.complaints).toEqual([]);
  expect(shown.text).toContain(heard);
}

async function checkConfig(block: Block, stage: Stage): Promise<void> {
  const folder = `line-${block.line}`;
  const name = `${folder}/carillon.config.${block.language}`;
  stage.configFolder = join(stage.folder, folder);
  mkdirSync(stage.configFolder, { recursive: true });
  const hooks = join(stage.folder, 'hooks.ts');
  if (existsSync(hooks)) copyFileSync(hooks, join(stage.configFolder, 'hooks.ts'));
  succeeds(block, await stage.check(name, block.code));
  if (block.options.has('serve')) await stage.serve(name, stage.adapt(block.code));
}

async function checkTypes(block: Block, stage: Stage): Promise<void> {
  writeFileSync(join(stage.configFolder, 'page.ts'), block.code);
  await compile(block, stage, stage.configFolder, 'page.ts');
}

async function compile(block: Block, stage: Stage, folder: string, file: string): Promise<void> {
  const compilerOptions = {
    composite: false,
    noEmit: true,
    allowImportingTsExtensions: true,
    types: ['node'],
    lib: ['es2024', 'dom', 'dom.iterable', 'esnext.disposable'],
  };
  const config = { extends: join(root, 'tsconfig.base.json'), compilerOptions, files: [file] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  succeeds(block, await stage.run('tsc', ['-p', folder]));
}

async function playSession(block: Block, stage: Stage): Promise<void> {
  await play(adapted(block, stage), player(block, stage));
}

async function continueClient(block: Block, stage: Stage): Promise<void> {
  const name = block.options.get('as') ?? '';
  const client = stage.clients.get(name) ?? new Client(player(block, stage), stage.known);
  stage.clients.set(name, client);
  await client.play(adapted(block, stage));
}

function player(block: Block, stage: Stage): Player {
  return {
    url: stage.url,
    async shell(command) {
      succeeds(block, await stage.run('bash', ['-euo', 'pipefail'], `npx() { "$@"; }\n${command}`));
    },
  };
}

function adapted({ code }: Block, stage: Stage): string {
  return stage.adapt(code);
}

function succeeds(block: Block, outcome: Outcome): void {
  expect(outcome.code, describeOutcome(block, outcome)).toBe(0);
}
