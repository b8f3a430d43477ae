/** The programs under examples/ run as their first lines say. */
import { globSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requireOrSkip } from '../support/require-or-skip.ts';
import { show } from './chromium.ts';
import { root } from './pages.ts';
import { heard, Stage } from './stage.ts';

const chromium = requireOrSkip('chromium');
let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
});

afterAll(async () => {
  await stage?.close();
});

function read(path: string): string {
  return stage.adapt(readFileSync(`${root}examples/${path}`, 'utf8'));
}

/** Folders that other tests run, each with the test that does. */
const runElsewhere = new Map([
  ['message-center', 'test/examples/message-center.test.ts'],
  ['qr-login', 'test/examples/qr-login.test.ts'],
  ['typed', 'test/system/typed-channels.test.ts'],
]);

test('there is a test for each of them', () => {
  const files = globSync('*/*', { cwd: `${root}examples` }).sort();
  const own = files.filter((file) => !runElsewhere.has(file.split('/')[0] ?? ''));
  expect(own).toEqual(['browser/chat.html', 'curl/publish.sh', 'node/publish.js', 'node/subscribe.js']);
  for (const [folder, testFile] of runElsewhere)
    expect(readFileSync(root + testFile, 'utf8')).toContain(`examples/${folder}`);
});

test('curl/publish.sh publishes, reads the history, and publishes nothing twice', async () => {
  const { code, stdout, stderr } = await stage.run('bash', ['-s', 'examples:curl'], read('curl/publish.sh'));
  expect(code, stderr).toBe(0);
  const answers = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly result: unknown });
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[2]?.result).toMatchObject({ offset: 1, publications: [{ offset: 1 }] });
});

test('node/subscribe.js prints what node/publish.js publishes', { timeout: 60_000 }, async () => {
  const node = ['node', '--conditions=carillon-source', '--input-type=module', '-', 'examples:node'];
  const published = await stage.run(
    'node',
    ['--input-type=module', '-', 'examples:node', 'first'],
    read('node/publish.js'),
  );
  expect(published.code, published.stderr).toBe(0);
  const subscribed = await stage.listen(node, read('node/subscribe.js'), 'examples:node', heard, 'first');
  expect(subscribed.stdout).toContain('first');
  expect(subscribed.stdout).toContain(heard);
});

test.skipIf(chromium === undefined)('browser/chat.html shows what is said', { timeout: 60_000 }, async () => {
  const files = new Map([['/', read('browser/chat.html')]]);
  const site = { port: stage.pagePort, files };
  const shown = await show(chromium ?? '', site, heard, () => stage.publish('room:lobby'));
  expect(shown).toMatchObject({ complaints: [] });
  expect(shown.text).toContain(heard);
});
