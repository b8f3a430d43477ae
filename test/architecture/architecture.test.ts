/** The law of ARCHITECTURE.md, checked on every source file: layers, rings, and what the core must not know. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { importsOf, withoutComments } from './imports.ts';
import { breaches, readLayers, rings, type Sources } from './layers.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const layers = readLayers(read('ARCHITECTURE.md'));
const sources = readSources();
const packages = new Map([
  ['@carillon/protocol', 'packages/protocol/src/index.ts'],
  ['@carillon/client', 'packages/client/src/index.ts'],
  ['@carillon/react', 'packages/react/src/index.ts'],
  ['carillon', 'packages/server/src/index.ts'],
]);

describe('the layers', () => {
  it('are read from ARCHITECTURE.md', () => {
    const names = layers.map(({ name }) => name);
    expect(names).toContain('core');
    expect(names).toContain('transports/*');
    expect(sources.size).toBeGreaterThan(10);
    expect(layers.filter(({ globs }) => globs.every((glob) => !/^packages\/[a-z]+\//.test(glob)))).toEqual(
      [],
    );
  });

  it('may import only layers that exist, packages, and Node.js itself', () => {
    const names = new Set(layers.map(({ name }) => name));
    const declared = new Set(['node:*', ...declaredDependencies()]);
    const unknown = layers.flatMap(({ name, mayImport }) =>
      mayImport
        .filter((entry) => !names.has(entry) && !declared.has(entry) && !/^node:[a-z_/]+$/.test(entry))
        .map((entry) => `${name}: ${entry}`),
    );
    expect(unknown).toEqual([]);
  });

  it('are kept by every import of every source file', () => {
    expect(breaches(layers, sources, packages)).toEqual([]);
  });
});

describe('the imports', () => {
  it('make no ring, type-only imports included', () => {
    expect(rings(sources, packages)).toEqual([]);
  });
});

describe('the core', () => {
  const core = [...sources].filter(([path]) => path.startsWith('packages/server/src/core/'));

  it('starts no timer, reads no clock, environment or file', () => {
    const forbidden =
      /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask|Date\.now|new Date|performance\.now|process\s*\.|globalThis)|['"]node:/g;
    const found = core.flatMap(([path, text]) =>
      [...withoutComments(text).matchAll(forbidden)].map((match) => `${path}: ${match[0]}`),
    );
    expect(core.length).toBeGreaterThan(5);
    expect(found).toEqual([]);
  });
});

describe('a source file', () => {
  it('has at most 400 lines and begins by saying what it is', () => {
    const long = [...sources].filter(([, text]) => text.trimEnd().split('\n').length > 400);
    const silent = [...sources].filter(([, text]) => !/^(?:#!.*\n)?\/\*\*/.test(text));
    expect(long.map(([path]) => path)).toEqual([]);
    expect(silent.map(([path]) => path)).toEqual([]);
  });
});

describe('the check itself', () => {
  const table = readLayers(
    [
      '| layer | files | may import | so it never knows |',
      '| --- | --- | --- | --- |',
      '| core | `packages/server/src/core/**` | | sockets |',
      '| brokers/* | `packages/server/src/brokers/*/**` | `core`, `redis` | transports |',
      '| transports/* | `packages/server/src/transports/*/**` | `core`, `node:*` | brokers |',
    ].join('\n'),
  );

  it('finds an import from one wing to another, type-only or dynamic', () => {
    expect(
      planted('transports/websocket/a.ts', "import type { B } from '../../brokers/memory/b.ts';"),
    ).toHaveLength(1);
    expect(planted('transports/websocket/a.ts', "const b = await import('../sse/b.ts');")).toHaveLength(1);
    expect(planted('transports/websocket/a.ts', "export { b } from '../../core/b.ts';")).toEqual([]);
    expect(planted('transports/websocket/a.ts', "import './b.ts';")).toEqual([]);
  });

  it('finds a workspace package that is imported by its name', () => {
    expect(planted('core/a.ts', "import { connect } from '@carillon/client';")).toHaveLength(1);
  });

  it('finds a package that the layer may not use', () => {
    expect(planted('brokers/redis/a.ts', "import { createClient } from 'redis';")).toEqual([]);
    expect(planted('brokers/redis/a.ts', "import { connect } from 'node:net';")).toHaveLength(1);
    expect(planted('core/a.ts', "import { createClient } from 'redis';")).toHaveLength(1);
  });

  it('finds a file that belongs to no layer', () => {
    expect(planted('helpers.ts', '')).toEqual(['packages/server/src/helpers.ts belongs to no layer']);
    expect(planted('brokers/loose.ts', '')).toHaveLength(1);
  });

  it('finds a ring of type-only imports', () => {
    const ring = new Map([
      ['a.ts', "import type { B } from './b.ts';"],
      ['b.ts', "import { C } from './c.ts';"],
      ['c.ts', "export type { A } from './a.ts';"],
      ['d.ts', "import './a.ts';"],
    ]);
    expect(rings(ring, packages)).toEqual([['a.ts', 'b.ts', 'c.ts', 'a.ts']]);
  });

  it('reads imports over several lines and none from comments, strings and templates', () => {
    const source = `
      import {
        type A, // from 'no-1'
        b,
      } from 'yes-1';
      import * as c from "yes-2"; import d, { e } from 'yes-3';
      /* import f from 'no-2'; */
      const text = \`import g from 'no-3';\`;
      const pattern = /['"\`]/; const other = a / b / c;
      export * from 'yes-4';
      type H = import('yes-5').H;
    `;
    expect(importsOf(source).sort()).toEqual(['yes-1', 'yes-2', 'yes-3', 'yes-4', 'yes-5']);
  });

  function planted(path: string, text: string): string[] {
    return breaches(table, new Map([[`packages/server/src/${path}`, text]]), packages);
  }
});

function readSources(): Sources {
  const paths = globSync('packages/*/{src,bin}/**/*.{ts,js}', { cwd: root }).filter(
    (path) => !/\.(?:test|contract|d)\.ts$|\/testing\//.test(path),
  );
  return new Map(paths.map((path) => [path, read(path)]));
}

/** The packages that any manifest of the workspace declares. */
function declaredDependencies(): string[] {
  return globSync('{package.json,packages/*/package.json}', { cwd: root }).flatMap((path) => {
    const manifest = JSON.parse(read(path)) as {
      readonly dependencies?: object;
      readonly devDependencies?: object;
    };
    return [...Object.keys(manifest.dependencies ?? {}), ...Object.keys(manifest.devDependencies ?? {})];
  });
}

function read(path: string): string {
  return readFileSync(new URL(path, `file://${root}`), 'utf8');
}
