import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LoadedConfig, loadConfig } from './load.ts';
import { renderConfigSchema } from './reference.ts';

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'carillon-schema-'));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

/** A config whose one rule has this schema, written as the text of the file. */
function load(name: string, schema: string): Promise<LoadedConfig> {
  const isModule = name.endsWith('.ts');
  const zod = pathToFileURL(join(import.meta.dirname, '../../../../node_modules/zod/index.js')).href;
  const body = `{ "api": { "keys": ["0123456789abcdef"] }, "channels": { "room:*": { "subscribe": "user", "schema": ${schema} } } }`;
  const text = isModule ? `import { z } from '${zod}';\nexport default ${body};\n` : body;
  writeFileSync(join(cwd, name), text);
  return loadConfig({ flags: { config: name }, env: {}, cwd });
}

describe('the schema of a rule', () => {
  it('reaches the settings as it is, still able to check', async () => {
    const { settings, inForce } = await load('a.ts', 'z.object({ text: z.string() })');
    const schema = settings.channels[0]?.schema?.['~standard'];
    expect(await schema?.validate({ text: 'hello' })).toEqual({ value: { text: 'hello' } });
    expect(await schema?.validate({ text: 1 })).toMatchObject({ issues: [{ path: ['text'] }] });
    expect(inForce.filter(({ path }) => path.endsWith('.schema'))).toEqual([
      { path: 'channels["room:*"].schema', value: 'a schema of zod', origin: 'a.ts' },
    ]);
  });

  it('may be a function, as some libraries make', async () => {
    const type = `Object.assign(() => 0, { '~standard': { version: 1, vendor: 'other', validate: (value) => ({ value }) } })`;
    const { settings } = await load('b.ts', type);
    expect(settings.channels[0]?.schema?.['~standard'].vendor).toBe('other');
  });

  it.each([
    ['c.json', '{ "type": "object" }', 'an object'],
    ['d.yaml', '{ type: object }', 'an object'],
    ['e.ts', '"string"', '"string"'],
    ['f.ts', '() => true', 'a function'],
    ['g.ts', '{ "~standard": { "version": 2, "validate": () => true } }', 'an object'],
  ])('is refused where it is none: %s', async (name, schema, shown) => {
    const fault =
      'channels["room:*"].schema: must be a Standard Schema, such as zod, valibot and arktype make; ' +
      `only a config in TypeScript or JavaScript can have one, but is ${shown}`;
    await expect(load(name, schema)).rejects.toMatchObject({ faults: [fault] });
  });

  it('is marked in the schema for editors as what JSON and YAML cannot have', () => {
    const { properties } = JSON.parse(renderConfigSchema());
    const rule = properties.channels.additionalProperties;
    expect(rule.properties.schema).toMatchObject({ not: {} });
  });
});
