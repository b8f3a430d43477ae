import { describe, expect, it } from 'vitest';
import { configKeys } from './keys.ts';
import { flagReferences, renderConfigReference, renderConfigSchema } from './reference.ts';

describe('the reference', () => {
  it('has a sentence for every key, and each environment name once', () => {
    const keys = configKeys();
    for (const { path, sentence } of keys) expect(sentence, path.join('.')).toMatch(/^[A-Z].*\.$/);
    const names = keys.flatMap(({ env }) => env ?? []);
    expect(new Set(names).size).toBe(names.length);
  });

  it('shows key, default, flag, environment name and sentence in one row', () => {
    expect(renderConfigReference()).toContain(
      '| `port` | number | `6790` | `--port`<br>`CARILLON_PORT` | The TCP port to listen on; 0 takes any free one. |',
    );
    expect(renderConfigReference()).toContain('## `channels.<pattern>.history`');
  });

  it('offers the flags of the server', () => {
    expect(flagReferences().map(({ name }) => name)).toEqual([
      'host',
      'port',
      'workers',
      'data',
      'engine',
      'insecure',
    ]);
  });

  it('gives editors a JSON schema that knows the keys and refuses others', () => {
    const schema = JSON.parse(renderConfigSchema());
    expect(schema.additionalProperties).toBe(false);
    expect(schema.properties.port).toMatchObject({
      type: 'integer',
      minimum: 0,
      maximum: 65_535,
      default: 6790,
    });
    expect(schema.properties.$schema).toEqual({ type: 'string' });
    expect(schema.required).toBeUndefined();
  });
});
