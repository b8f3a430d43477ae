import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { HookHost, type HookHostOptions } from '../testing/hook-host.ts';

const hosts: HookHost[] = [];

async function start(
  files: string | Readonly<Record<string, string>>,
  options?: HookHostOptions,
): Promise<HookHost> {
  const host = await HookHost.start(files, options);
  hosts.push(host);
  return host;
}

afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()));
});

const answering = (text: string): string => `export const publish = () => ({ data: '${text}' });\n`;

describe('RUN1 the file of hooks', () => {
  test.each([
    ['named exports', answering('x')],
    ['a default export', "export default { publish: () => ({ data: 'x' }) };"],
    [
      'defineHooks, wherever the file lies',
      "import { defineHooks } from 'carillon';\nexport default defineHooks({ publish: () => ({ data: 'x' }) });",
    ],
    [
      'types, which are not run',
      "const a: string = 'x';\nexport function publish(): object { return { data: a }; }",
    ],
    [
      'helpers beside a default export',
      "export const help = 1;\nexport default { publish: () => ({ data: 'x' }) };",
    ],
  ])('has %s', async (_, text) => {
    const host = await start(text);
    expect(await host.publish(1)).toBe('x');
    expect(host.info).toMatchObject({
      generation: 1,
      names: ['publish'],
      file: join(host.folder, 'hooks.ts'),
    });
  });

  test('may be CommonJS', async () => {
    const source = (folder: string) => ({
      module: { path: join(folder, 'hooks.cjs'), kind: 'hooks' } as const,
    });
    const host = await start({ 'hooks.cjs': "exports.publish = () => ({ data: 'x' });" }, { source });
    expect(await host.publish(1)).toBe('x');
  });

  test.each([
    ['export const publsh = () => {};', "'publsh' is no hook; did you mean 'publish'?"],
    ['export default { hello() {} };', "'hello' is no hook; there are connect, auth, subscribe, publish,"],
    ['export default { publish: 5 };', "'publish' must be a function or { url }"],
    ["export default { publish: { url: 'ftp://x' } };", "'publish' cannot be used: url must be a URL"],
    ["export default { publish: { ulr: 'x' } };", "'publish' cannot be used: url must be a URL"],
    [
      "export default { call: { url: 'http://x/', timout: '1s' } };",
      "unknown key 'timout'; did you mean 'timeout'?",
    ],
    ['export default 5;', 'its default export must be an object of hooks'],
    ['', 'it exports no hooks; it must say'],
    ['export default {};', 'it exports no hooks'],
    ['export const a = ;', 'it is not well-formed: SyntaxError: Expression expected (hooks.ts:1)'],
    [
      '\nenum A { B }\nexport const call = 1;',
      'TypeScript enum is not supported in strip-only mode (hooks.ts:2)',
    ],
    ["import './lib.ts';", 'Cannot find module'],
    ["\nthrow new Error('no database');", 'it failed while it ran: no database (hooks.ts:2)'],
    ['process.exit(1);', 'it ended itself: process.exit(1) (hooks.ts:1)'],
    ['await Promise.reject(new Error("late"));', 'it failed while it ran: late (hooks.ts:1)'],
  ])('that says %j is refused at the start, and why', async (text, why) => {
    await expect(start(text)).rejects.toThrow(why);
  });

  test('in plain JavaScript is told the line too', async () => {
    const source = (folder: string) => ({
      module: { path: join(folder, 'hooks.mjs'), kind: 'hooks' } as const,
    });
    await expect(start({ 'hooks.mjs': 'const a = 1;\nconst b = ;\n' }, { source })).rejects.toThrow(
      '(hooks.mjs:2)',
    );
    await expect(start({}, { source })).rejects.toThrow('hooks.mjs');
  });

  test('may be a config with functions, read again from its file', async () => {
    const source = (folder: string) => ({
      module: { path: join(folder, 'carillon.config.ts'), kind: 'config' } as const,
    });
    const config = (text: string): string =>
      `import { defineConfig } from 'carillon';\nexport default defineConfig({ port: 1, hooks: { publish: () => ({ data: '${text}' }) } });`;
    const host = await start({ 'carillon.config.ts': config('x') }, { source });
    expect(await host.publish(1)).toBe('x');
    host.save('carillon.config.ts', config('y'));
    await host.generation(2);
    expect(await host.publish(1)).toBe('y');
    host.save('carillon.config.ts', 'export default {};');
    await host.logged("the key 'hooks' of its default export is no object any more");
  });
});

describe('RUN8 new hooks', () => {
  test('are in force when the file is saved, in whatever way', async () => {
    const host = await start(answering('a'));
    host.save('hooks.ts', answering('b'));
    await host.generation(2);
    expect(await host.publish(1)).toBe('b');
    // As editors do it.
    host.save('hooks.ts~', answering('c'));
    renameSync(join(host.folder, 'hooks.ts~'), join(host.folder, 'hooks.ts'));
    await host.generation(3);
    expect(await host.publish(1)).toBe('c');
    host.save('other.ts', 'not mine');
    await host.runtime.reload();
    expect(host.info['generation']).toBe(4);
  });

  test('are in force when a file that they import is saved, appears, or is imported later', async () => {
    const host = await start({
      'hooks.ts': `import { word } from './lib/word.ts';
        export const publish = async () => ({ data: word + (await import('./late.ts')).word });`,
      'lib/word.ts': `export { word } from './more.ts';`,
      'lib/more.ts': `export const word = 'a';`,
      'late.ts': `export const word = '1';`,
    });
    expect(await host.publish(1)).toBe('a1');
    host.save('lib/more.ts', `export const word = 'b';`);
    await host.generation(2);
    expect(await host.publish(1)).toBe('b1');
    host.save('late.ts', `export const word = '2';`);
    await host.generation(3);
    expect(await host.publish(1)).toBe('b2');
    host.save('lib/word.ts', `export { word } from './new.ts';`);
    await host.logged('Cannot find module');
    expect(await host.publish(1)).toBe('b2');
    host.save('lib/new.ts', `export const word = 'c';`);
    await host.generation(4);
    expect(await host.publish(1)).toBe('c2');
  });

  test('that cannot be loaded leave the old ones in force, are told once, and counted', async () => {
    const host = await start(answering('a'));
    host.save('hooks.ts', 'export const publish = ;');
    await host.logged('stays in force');
    expect(await host.publish(1)).toBe('a');
    expect(host.info).toMatchObject({
      generation: 1,
      failing: { reason: expect.stringContaining('(hooks.ts:1)') },
    });
    expect(host.log.lines.slice(1)).toEqual([
      `error: hooks: ${join(host.folder, 'hooks.ts')} cannot be loaded, so generation 1 stays in force: it is not well-formed: SyntaxError: Expression expected (hooks.ts:1)`,
    ]);
    expect(host.runtime.figures()).toMatchObject({ generation: 1, reloadFailures: 1 });
    expect(await host.runtime.reload()).toMatchObject({ ok: false });
    rmSync(join(host.folder, 'hooks.ts'));
    await host.until(() => host.runtime.figures()?.reloadFailures === 3, 'third failure');
    host.save('hooks.ts', answering('b'));
    await host.generation(2);
    expect([await host.publish(1), host.info['failing']]).toEqual(['b', undefined]);
  });

  test('do not touch calls that the old ones have begun, and each call sees one generation', async () => {
    const gated = (text: string): string => `
      let open; const gate = new Promise((resolve) => { open = resolve; });
      export const publish = async ({ data }, { generation }) => {
        if (data === 'wait') await gate;
        return { data: ['${text}', generation] };
      };
      export const userOnline = () => open();`;
    const host = await start(gated('a'));
    const waiting = [host.publish('wait'), host.publish('wait')];
    expect(await host.publish(1)).toEqual(['a', 1]);
    // The old thread opens its gate itself, later.
    host.runtime.tell('userOnline', { user: 'ann' });
    host.save('hooks.ts', gated('b'));
    expect(await Promise.all(waiting)).toEqual([
      ['a', 1],
      ['a', 1],
    ]);
    await host.generation(2);
    expect(await host.publish(1)).toEqual(['b', 2]);
  });

  test('may be others, or none', async () => {
    const host = await start(answering('a'));
    host.save('hooks.ts', 'export const call = () => 1;');
    await host.generation(2);
    expect([host.runtime.has('publish'), host.runtime.has('call')]).toEqual([false, true]);
    await host.runtime.reload({ ...host.settings, source: {} });
    expect([host.runtime.has('call'), host.runtime.info(), host.runtime.figures()]).toEqual([
      false,
      undefined,
      undefined,
    ]);
  });

  test('may come from elsewhere, with other limits; what is wrong changes nothing', async () => {
    const host = await start({
      'hooks.ts': answering('a'),
      'other.ts': `export const publish = () => new Promise(() => {});`,
    });
    const elsewhere = (name: string) => ({
      ...host.settings,
      source: { module: { path: join(host.folder, name), kind: 'hooks' as const } },
      timeoutMs: 100,
    });
    expect(await host.runtime.reload(elsewhere('missing.ts'))).toMatchObject({ ok: false });
    expect(host.log.lines.at(-1)).toContain(`${join(host.folder, 'missing.ts')} cannot be loaded`);
    expect(await host.runtime.reload()).toMatchObject({ ok: true, generation: 2 });
    expect([await host.publish(1), host.info['file']]).toEqual(['a', join(host.folder, 'hooks.ts')]);
    expect(await host.runtime.reload(elsewhere('other.ts'))).toMatchObject({ ok: true, generation: 3 });
    expect(await host.refusal(1)).toContain('108');
    expect(host.log.lines.at(-1)).toContain('no answer within 100 ms');
    await host.runtime.reload({ ...host.settings, source: {} });
    expect(await host.runtime.reload(host.settings)).toMatchObject({ ok: true, generation: 4 });
  });

  test('wait while those before them load; what was asked for meanwhile is in them', async () => {
    const host = await start(answering('a'));
    const first = host.runtime.reload();
    host.save('hooks.ts', answering('b'));
    const second = host.runtime.reload();
    expect(host.runtime.reload()).toBe(second);
    await Promise.all([first, second]);
    expect(await host.publish(1)).toBe('b');
  });

  test('end what the old ones left running', async () => {
    const host = await start(answering('a'));
    const mark = join(host.folder, 'ended');
    writeFileSync(
      join(host.folder, 'hooks.ts'),
      `import { writeFileSync } from 'node:fs';
       setInterval(() => {}, 1000);
       process.on('exit', () => writeFileSync(${JSON.stringify(mark)}, ''));
       ${answering('b')}`,
    );
    await host.generation(2);
    expect(existsSync(mark)).toBe(false);
    await host.runtime.reload();
    await host.until(() => existsSync(mark), 'end of generation 2');
  });
});

describe('RLD6 what is prepared', () => {
  test('is in force when that is agreed to, and not before', async () => {
    const host = await start({ 'hooks.ts': answering('old'), 'other.ts': answering('new') });
    const prepared = await host.runtime.prepare(elsewhere(host, 'other.ts'));
    if (!prepared.ok) throw new Error(prepared.reason);
    expect(prepared.names).toEqual(['publish']);
    expect(await host.publish(1)).toBe('old');
    await prepared.commit();
    expect(await host.publish(1)).toBe('new');
    expect(host.info).toMatchObject({ generation: 2, file: join(host.folder, 'other.ts') });
    // Later loads take the same.
    expect(await host.runtime.reload()).toMatchObject({ ok: true, generation: 3 });
    expect(await host.publish(1)).toBe('new');
  });

  test('and abandoned leaves everything as it was', async () => {
    const host = await start({ 'hooks.ts': answering('old'), 'other.ts': answering('new') });
    for (const settings of [elsewhere(host, 'other.ts'), { ...host.settings, source: {} }]) {
      const prepared = await host.runtime.prepare(settings);
      if (!prepared.ok) throw new Error(prepared.reason);
      const waiting = host.runtime.reload();
      await prepared.abandon();
      expect(await waiting).toMatchObject({ ok: true, names: ['publish'] });
      expect(await host.publish(1)).toBe('old');
    }
    expect(host.info).toMatchObject({ generation: 3, file: join(host.folder, 'hooks.ts') });
    expect(host.info).not.toHaveProperty('failing');
  });

  test('and not good is for whoever asked to say', async () => {
    const host = await start({ 'hooks.ts': answering('old'), 'bad.ts': 'export const publish = ;' });
    const lines = host.log.lines.length;
    expect(await host.runtime.prepare(elsewhere(host, 'bad.ts'))).toMatchObject({ ok: false });
    expect(await host.publish(1)).toBe('old');
    expect(host.log.lines).toHaveLength(lines);
  });

  test('and never decided about ends with the server', async () => {
    const host = await start({ 'hooks.ts': answering('old'), 'other.ts': answering('new') });
    expect(await host.runtime.prepare(elsewhere(host, 'other.ts'))).toMatchObject({ ok: true });
    await host.close();
  });
});

/** The settings, but for the file. */
function elsewhere(host: HookHost, name: string): HookHost['settings'] {
  return {
    ...host.settings,
    source: { module: { path: join(host.folder, name), kind: 'hooks' } },
  };
}
