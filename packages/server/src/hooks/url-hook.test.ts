import { afterEach, describe, expect, test } from 'vitest';
import { Backend, json } from '../testing/backend.ts';
import { HookHost } from '../testing/hook-host.ts';

let backend: Backend;
let host: HookHost;

/** Every hook named is this backend. */
async function start(answer: Backend['answer'], names = ['publish'], timeoutMs = 5_000): Promise<void> {
  backend = await Backend.start(answer);
  const settings = { url: `${backend.url}hook?key=secret`, headers: { 'x-key': 'k' } };
  const source = () => ({ urls: new Map(names.map((name) => [name, settings])) });
  host = await HookHost.start({}, { source, timeoutMs });
}

afterEach(async () => {
  await host?.close();
  await backend?.stop();
});

const client = { session: 's-1', user: 'ann' } as const;
const publishing = { channel: 'c', data: '{"n":9007199254740993}', source: 'client' } as const;

describe('RUN9 a hook that is a URL', () => {
  test('gets the event with its data as it was written, and headers of the config', async () => {
    await start(json({}));
    expect(await host.runtime.ask('publish', { ...client, ...publishing })).toBeUndefined();
    const [request] = backend.requests;
    expect(request?.body).toBe(
      '{"hook":"publish","event":{"session":"s-1","user":"ann","channel":"c","source":"client","data":{"n":9007199254740993}}}',
    );
    expect(request).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-key': 'k', 'user-agent': 'carillon' },
    });
  });

  test.each([
    ['{}', undefined],
    ['', undefined],
    ['null', undefined],
    ['{"data": {"n": 9007199254740993.0}}', { data: '{"n":9007199254740993.0}' }],
    ['{"data":null}', { data: 'null' }],
  ])('that answers publish with %j', async (body, answer) => {
    await start((res) => res.writeHead(200).end(body));
    expect(await host.runtime.ask('publish', publishing)).toEqual(answer);
  });

  test('that answers 204 lets it be', async () => {
    await start((res) => res.writeHead(204).end());
    expect(await host.runtime.ask('publish', publishing)).toBeUndefined();
  });

  test('answers call, message, auth and connect in the shapes of functions', async () => {
    await start(
      (res, { body }) => {
        const { hook } = JSON.parse(body) as { hook: string };
        const answers: Record<string, unknown> = {
          call: { result: { ok: true } },
          message: false,
          auth: { uid: 1001, expires: 60 },
          connect: { user: '9', tags: { a: 1 } },
        };
        res.writeHead(200).end(JSON.stringify(answers[hook]));
      },
      ['call', 'message', 'auth', 'connect'],
    );
    const from = { address: '192.0.2.1', headers: {} };
    const { runtime } = host;
    expect(await runtime.ask('call', { ...client, method: 'm', data: '1' })).toBe('{"ok":true}');
    expect(await runtime.ask('message', { ...client, data: '1' })).toBe(false);
    expect(await runtime.ask('auth', { ...from, token: 't' })).toMatchObject({ user: '1001' });
    expect(await runtime.ask('connect', { ...client, ...from })).toEqual({ user: '9', tags: { a: 1 } });
  });

  test('refuses with any status but 200 and a code of its own', async () => {
    await start(json({ code: 451, message: 'not here' }, 403));
    await expect(host.runtime.ask('publish', publishing)).rejects.toMatchObject({
      code: 451,
      message: 'not here',
      status: 403,
    });
  });

  test.each([
    ['an error', json({ error: 'down' }, 500), 'status 500'],
    ['a code that is not its own', json({ code: 101, message: 'x' }, 403), 'status 403'],
    ['no JSON', ((res) => res.writeHead(200).end('<html>')) as Backend['answer'], 'the answer is not JSON'],
    ['a list', json([1]), 'the answer is no JSON object'],
    ['something else', json({ dta: 1 }), "the answer has no 'data'; answer {} to change nothing"],
    ['too much', ((res) => res.end('x'.repeat(1_100_000))) as Backend['answer'], 'longer than 1048576 bytes'],
  ])('that answers %s is 108, and the log says why without the query', async (_, answer, why) => {
    await start(answer);
    await expect(host.runtime.ask('publish', publishing)).rejects.toMatchObject({ code: 108 });
    const line = host.log.lines.at(-1);
    expect(line).toContain(`the hook 'publish' failed: ${backend.url}hook: `);
    expect(line).toContain(why);
  });

  test('that is late is 108', async () => {
    await start(() => {}, ['publish'], 100);
    await expect(host.runtime.ask('publish', publishing)).rejects.toMatchObject({ code: 108 });
    // What it waited for its turn is taken off.
    expect(host.log.lines.at(-1)).toMatch(/no answer within \d+ ms/);
  });

  test('is asked over connections that are kept, so many at once', async () => {
    const held: (() => void)[] = [];
    await start((res) => void held.push(() => res.end('{}')));
    const all = Array.from({ length: 100 }, () => host.runtime.ask('publish', publishing));
    await backend.arrived(64);
    expect(backend.mostAtOnce).toBe(64);
    for (let answered = 0; answered < 100; answered++) {
      await host.until(() => held.length > 0, 'request');
      held.shift()?.();
    }
    await Promise.all(all);
    expect([backend.mostAtOnce, backend.connections]).toEqual([64, 64]);
  });

  test('stands in a file of hooks beside functions', async () => {
    backend = await Backend.start(json({ result: 'far' }));
    host = await HookHost.start(`
      export default {
        call: { url: '${backend.url}', timeout: '2s', headers: { 'X-Key': 'k' } },
        publish: () => ({ data: 'near' }),
      };`);
    expect(await host.runtime.ask('call', { ...client, method: 'm', data: '1' })).toBe('"far"');
    expect(await host.publish(1)).toBe('near');
    expect(backend.requests[0]?.headers['x-key']).toBe('k');
  });
});
