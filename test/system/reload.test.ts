/** Another config for a server that runs, with the real binary: nobody is cut, and what is wrong changes nothing. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Backend } from '../../packages/server/src/testing/backend.ts';
import { carillonBin, plainEnvironment, type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { Listener } from '../support/listener.ts';

const run = promisify(execFile);
const key = 'a-key-of-some-length';

let folder: string;
let file: string;
let carillon: RunningCarillon | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-reload-'));
  file = join(folder, 'carillon.config.json');
});
afterEach(async () => {
  await carillon?.stop();
  carillon = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function start(config: object): Promise<RunningCarillon> {
  writeFileSync(file, JSON.stringify(config));
  carillon = await startCarillon({ args: ['--config', file] });
  return carillon;
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `carillon reload` against the running server. */
async function reload(args: readonly string[] = [], apiKey = key): Promise<Ended> {
  const env = { ...plainEnvironment(), CARILLON_URL: carillon?.url, CARILLON_API_KEY: apiKey };
  try {
    return { code: 0, ...(await run(process.execPath, [carillonBin, 'reload', ...args], { env })) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

async function call(
  method: string,
  params: object,
  apiKey = key,
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${carillon?.url}/v1/${method}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-API-Key': apiKey },
    body: JSON.stringify(params),
  });
  return { status: response.status, body: await response.json() };
}

/** Waits until the log says something so many times. */
async function logged(sentence: string, times = 1): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if ((carillon?.stderr.split(sentence).length ?? 0) > times) return;
    await sleep(50);
  }
  throw new Error(`the log never said '${sentence}':\n${carillon?.stderr}`);
}

const open = { subscribe: 'anyone', publish: 'anyone' };
const config = { api: { keys: [key] }, auth: { anonymous: true }, channels: { 'a:*': open } };

test('RLD1 new rules, keys and paths hold for connections that were there before, and nobody is cut', async () => {
  const { wsUrl, url } = await start(config);
  using client = await Listener.open(`${wsUrl}/ws`);
  client.send('{"op":"subscribe","channel":"a:1"}');
  client.send('{"op":"subscribe","channel":"b:1"}');
  expect(await client.until(2)).toEqual(['{"result":true}', expect.stringContaining('"code":102')]);
  writeFileSync(
    file,
    JSON.stringify({
      ...config,
      api: { keys: ['another-key-of-some-length'] },
      channels: { ...config.channels, 'b:*': open },
      paths: { '/room': { channel: 'b:room' } },
      drain: '9s',
    }),
  );
  const { code, stdout } = await reload(['--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    changed: ['api.keys', 'paths["/room"]', 'channels["b:*"]'],
    restart: ['drain'],
  });
  client.send('{"op":"subscribe","channel":"b:1"}');
  client.send('{"op":"publish","channel":"a:1","data":1}');
  expect(await client.until(5)).toEqual(
    expect.arrayContaining(['{"result":true}', '{"event":"a:1","data":1}']),
  );
  expect((await call('info', {})).status).toBe(401);
  const answer = await call('publish', { channel: 'b:1', data: 2 }, 'another-key-of-some-length');
  expect(answer).toEqual({ status: 200, body: { result: {} } });
  expect((await client.until(6)).at(-1)).toBe('{"event":"b:1","data":2}');
  expect((await fetch(`${url}/room?timeout=0`)).status).toBe(200);
});

test('RLD2 a config with faults leaves everything as it was, and every place says what is wrong', async () => {
  const { url } = await start(config);
  writeFileSync(file, '{"channels":{"a:*":{"subscribe":"everyone"}},"prot":1}');
  const { code, stdout, stderr } = await reload();
  expect([code, stdout]).toEqual([78, '']);
  expect(stderr).toContain('nothing has changed');
  expect(stderr).toContain(`prot: unknown key; did you mean 'port'?`);
  const answer = await call('reload', {});
  expect(answer).toMatchObject({ status: 400, body: { error: { code: 107 } } });
  expect(await call('info', {})).toMatchObject({
    body: {
      result: {
        config: { file, failing: { faults: [expect.stringContaining('everyone'), expect.anything()] } },
      },
    },
  });
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('carillon_config_failing 1');
  await logged('the config was not loaded again', 2);
  expect((await fetch(`${url}/sub?channel=a:1&timeout=0`)).status).toBe(200);
  writeFileSync(file, JSON.stringify(config));
  expect(await reload()).toEqual({ code: 0, stdout: 'nothing has changed\n', stderr: '' });
  writeFileSync(file, JSON.stringify({ ...config, drain: '9s' }));
  expect(await reload()).toEqual({ code: 0, stdout: 'needs a restart: drain\n', stderr: '' });
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('carillon_config_failing 0');
});

test('RLD2 a file that is gone is a fault', async () => {
  await start(config);
  rmSync(file);
  expect(await reload()).toMatchObject({
    code: 78,
    stderr: expect.stringContaining('the file does not exist'),
  });
});

test('RLD3 SIGHUP loads the config; a repetition within two seconds changes nothing', async () => {
  const { pid, url } = await start(config);
  writeFileSync(file, JSON.stringify({ ...config, channels: { ...config.channels, 'b:*': open } }));
  for (let n = 0; n < 3; n += 1) process.kill(pid, 'SIGHUP');
  await logged('the config was loaded again');
  expect((await fetch(`${url}/sub?channel=b:1&timeout=0`)).status).toBe(200);
  process.kill(pid, 'SIGHUP');
  expect(await (await fetch(`${url}/metrics`)).text()).toContain(
    'carillon_config_reloads_total{outcome="loaded"} 1',
  );
});

test('RLD1 a config that is a program is run again, with what it imports', async () => {
  file = join(folder, 'carillon.config.ts');
  const rules = (names: readonly string[]): void =>
    writeFileSync(
      join(folder, 'rules.ts'),
      `export const rules: Record<string, { subscribe: 'anyone' }> = { ${names.map((name) => `'${name}': { subscribe: 'anyone' }`).join()} };`,
    );
  rules(['a']);
  writeFileSync(
    file,
    `import { defineConfig } from 'carillon';\nimport { rules } from './rules.ts';\nexport default defineConfig({ api: { keys: ['${key}'] }, auth: { anonymous: true }, channels: rules });`,
  );
  carillon = await startCarillon({ args: ['--config', file] });
  for (const names of [
    ['a', 'b'],
    ['a', 'b', 'c'],
  ]) {
    rules(names);
    expect(await reload()).toMatchObject({
      code: 0,
      stdout: `changed: channels["${names.at(-1)}"]\n`.replace(/\["(\w)"\]/, '.$1'),
    });
    expect((await fetch(`${carillon.url}/sub?channel=${names.at(-1)}&timeout=0`)).status).toBe(200);
  }
});

test('RLD1 hooks are loaded again with the config; where they cannot be, nothing changes', async () => {
  const hooks = join(folder, 'hooks.js');
  const hook = (answer: string): void =>
    writeFileSync(hooks, `export function publish() { return { data: '${answer}' }; }`);
  hook('one');
  const hooked = { ...config, hooks: './hooks.js', channels: { 'a:*': { ...open, history: { size: 5 } } } };
  await start(hooked);
  const published = async (): Promise<unknown> => {
    await call('publish', { channel: 'a:1', data: 0 });
    const { body } = await call('history', { channel: 'a:1', limit: 1, reverse: true });
    return (body as { result: { publications: { data: unknown }[] } }).result.publications[0]?.data;
  };
  expect(await published()).toBe('one');
  hook('two');
  expect((await reload()).code).toBe(0);
  expect(await published()).toBe('two');
  writeFileSync(join(folder, 'broken.js'), 'this is no program');
  writeFileSync(file, JSON.stringify({ ...hooked, hooks: './broken.js', origins: ['https://example.com'] }));
  expect(await reload()).toMatchObject({ code: 78, stderr: expect.stringContaining('hooks: ') });
  expect(await published()).toBe('two');
  const { body } = await call('info', {});
  expect(body).toMatchObject({ result: { config: { failing: expect.anything() } } });
});

test('RLD5 a subscription that the new rules do not admit ends, and the connection stays', async () => {
  const { wsUrl } = await start(config);
  using client = await Listener.subscribed(`${wsUrl}/ws`, 'a:1');
  writeFileSync(file, JSON.stringify({ ...config, channels: { 'a:*': { ...open, subscribe: 'user' } } }));
  expect((await reload()).stdout).toBe('changed: channels["a:*"].subscribe\n');
  expect(await client.until(1)).toEqual(['{"event":"a:1","type":"unsubscribed","code":1,"msg":"Not Auth"}']);
  client.send('{"op":"ping"}');
  expect((await client.until(2)).at(-1)).toBe('{"result":"pong"}');
});

test('RLD4 who has logged in stays so; who comes is judged by the new config', async () => {
  const backend = await Backend.start((res) => void res.end('{"uid":9}'));
  const { wsUrl } = await start({
    ...config,
    auth: { anonymous: false, tokens: { first: { user: '7' } } },
    channels: { 'user:{uid}': { subscribe: 'owner' } },
  });
  using client = await Listener.open(`${wsUrl}/ws?token=first`);
  client.send('{"op":"subscribe","channel":"@user"}');
  await client.until(1);
  writeFileSync(
    file,
    JSON.stringify({
      ...config,
      auth: { callback: { url: backend.url } },
      channels: { 'user:{uid}': { subscribe: 'owner' } },
    }),
  );
  expect((await reload()).code).toBe(0);
  await call('publish', { channel: 'user:7', data: 1 });
  expect((await client.until(2)).at(-1)).toBe('{"event":"@user","data":1}');
  using other = await Listener.open(`${wsUrl}/ws?token=any`);
  other.send('{"op":"subscribe","channel":"@user"}');
  await other.until(1);
  await call('publish', { channel: 'user:9', data: 2 });
  expect((await other.until(2)).at(-1)).toBe('{"event":"@user","data":2}');
  await backend.stop();
});

test('RLD4 a connection of the API whose key is gone ends with its next request', async () => {
  const { wsUrl } = await start({ ...config, api: { keys: [key, 'a-second-key-of-some-length'] } });
  using first = await Listener.open(`${wsUrl}/v1/ws`, { 'X-API-Key': key });
  using second = await Listener.open(`${wsUrl}/v1/ws`, {
    'X-API-Key': 'a-second-key-of-some-length',
  });
  writeFileSync(file, JSON.stringify(config));
  expect((await reload()).code).toBe(0);
  for (const client of [first, second])
    client.send('{"id":1,"method":"publish","params":{"channel":"a:1","data":1}}');
  expect(await first.until(1)).toEqual(['{"id":1,"result":{}}']);
  expect(await second.closed).toBe(3500);
});

test('a server that is not there, and a key that is wrong, have exit codes of their own', async () => {
  await start(config);
  expect((await reload([], 'wrong')).code).toBe(1);
  expect((await reload(['--url', 'http://127.0.0.1:1'])).code).toBe(69);
  expect((await reload(['--jsn'])).code).toBe(64);
});
