import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CarriedConfig, carried, restored } from './carried.ts';
import { type LoadedConfig, loadConfig } from './load.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'carillon-carried-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function write(name: string, channels: string): void {
  const schema = `{ '~standard': { version: 1, vendor: 'own', validate: (value) => ({ value }) } }`;
  const head = `const schema = ${schema};\n`;
  const text = `${head}export default { auth: { tokens: { t: { user: 'ada', info: { a: [1] } } } }, channels: ${channels} };\n`;
  writeFileSync(join(cwd, name), text);
}

let loads = 0;
function load(name: string): Promise<LoadedConfig> {
  loads += 1;
  return loadConfig({ env: {}, cwd, flags: { config: name } });
}

function sent(config: CarriedConfig): CarriedConfig {
  return deserialize(serialize(config)) as CarriedConfig;
}

test('settings are the same at the other end, and no file is read where there is no schema', async () => {
  write('a.mjs', "{ 'a:*': { subscribe: 'user', history: { size: 5, ttl: '1m' } } }");
  const { settings } = await load('a.mjs');
  loads = 0;
  expect(await restored(sent(carried(settings, 0)), () => load('a.mjs'))).toEqual(settings);
  expect(loads).toBe(0);
});

test('schemas are read from the file, and nothing else of it', async () => {
  write('a.mjs', "{ 'a:*': { subscribe: 'user', schema }, 'b:*': { subscribe: 'user' } }");
  const { settings } = await load('a.mjs');
  write('b.mjs', "{ 'a:*': { subscribe: 'anyone', schema }, 'b:*': { subscribe: 'anyone', schema } }");
  const { channels } = await restored(sent(carried(settings, 0)), () => load('b.mjs'));
  expect(channels).toMatchObject([
    { subscribe: 'user', schema: { '~standard': { vendor: 'own' } } },
    { subscribe: 'user' },
  ]);
  expect(channels[1]).not.toHaveProperty('schema');
});

test('a schema that is not there any more is a fault', async () => {
  write('a.mjs', "{ 'a:*': { subscribe: 'user', schema } }");
  const { settings } = await load('a.mjs');
  write('b.mjs', "{ 'a:*': { subscribe: 'user' } }");
  await expect(restored(sent(carried(settings, 0)), () => load('b.mjs'))).rejects.toMatchObject({
    faults: [expect.stringContaining('channels["a:*"].schema: is not there any more')],
  });
});
