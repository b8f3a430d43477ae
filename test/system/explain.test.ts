/** What became of a publication, asked of the real binary: by the command for people, and by the API. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type EndedCommand,
  freePort,
  type RunningCarillon,
  runCarillon,
  startCarillon,
} from '../support/carillon.ts';
import { Listener } from '../support/listener.ts';

const key = 'key-of-the-backend';
let carillon: RunningCarillon;
/** Each test has a user of its own, and channels that bear its name. */
let user = 0;

beforeAll(async () => {
  carillon = await startCarillon({
    config: {
      // One process, so that what passes through it is known to the line; several have tests of their own.
      workers: 1,
      api: { keys: [key] },
      auth: {
        tokens: Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((uid) => [`token-${uid}`, { user: uid }])),
      },
      channels: {
        'order:*': { subscribe: 'user', publish: 'nobody', history: { size: 1_000, ttl: '10m' } },
        'live:*': { subscribe: 'user' },
        'staff:*': { subscribe: 'nobody', history: { size: 10, ttl: '10m' } },
        'user:{uid}': { subscribe: 'owner', inbox: true },
      },
    },
  });
});
afterAll(() => carillon?.stop());
beforeEach(() => {
  user += 1;
});

interface Report {
  readonly verdict: string;
  readonly summary: string;
  readonly sessions: readonly { readonly session: string; readonly outcome: string; readonly says: string }[];
  readonly timeline: readonly { readonly at: string; readonly says: string }[];
  readonly notes: readonly string[];
}

async function api<Result>(method: string, params: object): Promise<Result> {
  const response = await fetch(`${carillon.url}/v1/${method}`, {
    method: 'POST',
    headers: { 'X-API-Key': key, 'Content-Type': 'application/json' },
    body: JSON.stringify(params),
  });
  const { result, error } = (await response.json()) as { result: Result; error?: { message: string } };
  if (error !== undefined) throw new Error(error.message);
  return result;
}

const publish = (
  channel: string,
  data: unknown,
  more: object = {},
): Promise<{ offset: number; epoch: string }> => api('publish', { channel, data, ...more });
const explain = (channel: string, more: object = {}): Promise<Report> =>
  api('explain', { channel, user, ...more });
const command = (...args: readonly string[]): Promise<EndedCommand> =>
  runCarillon(['explain', '--url', carillon.url, '--key', key, ...args]);

/** A connection of the user, and its session. */
async function login(more = ''): Promise<{ client: Listener; session: string }> {
  const client = await Listener.open(`${carillon.wsUrl}/ws?${more}`);
  client.send(`{"id":0,"op":"auth","token":"token-${user}"}`);
  const [reply = ''] = await client.until(1);
  return { client, session: (JSON.parse(String(reply)) as { result: { session: string } }).result.session };
}

async function subscribed(
  channel: string,
  more: object = {},
): Promise<{ client: Listener; session: string }> {
  const opened = await login();
  opened.client.send(JSON.stringify({ id: 1, op: 'subscribe', channel, ...more }));
  await opened.client.until(2);
  return opened;
}

const outcomes = ({ sessions }: Report): readonly string[] => sessions.map(({ outcome }) => outcome);

describe('EXP1 the API', () => {
  test('live, replayed, and one who came too late', async () => {
    const channel = `order:${user}`;
    const { session } = await subscribed(channel);
    const { epoch } = await publish(channel, 1);
    await publish(channel, 2);
    const back = await subscribed(channel, { since: { epoch, offset: 1 } });
    await subscribed(channel);
    const report = await explain(channel, { offset: 2 });
    expect(report.verdict).toBe('written');
    expect(outcomes(report)).toEqual(['live', 'replayed', 'later']);
    expect(report.sessions.slice(0, 2).map((each) => each.session)).toEqual([session, back.session]);
    expect(report.timeline.map(({ says }) => says)).toEqual(
      expect.arrayContaining([
        `came in over the server API, and was answered offset 2, epoch ${epoch}`,
        'handed on to 1 subscription',
      ]),
    );
  });

  test('not subscribed, refused a subscribe, excluded', async () => {
    const { client, session } = await login();
    client.send(`{"id":1,"op":"subscribe","channel":"staff:${user}"}`);
    await client.until(2);
    await publish(`staff:${user}`, 1);
    const refused = await explain(`staff:${user}`);
    expect(refused.verdict).toBe('notSubscribed');
    expect(refused.summary).toContain('It may not subscribe');
    expect(refused.timeline.map(({ says }) => says)).toContain(
      `the session ${session} was refused a subscribe: permission denied (103)`,
    );
    for (const channel of [`order:${user}`, `live:${user}`]) {
      client.send(`{"id":2,"op":"subscribe","channel":"${channel}"}`);
      await client.until(channel.startsWith('order') ? 3 : 4);
      await publish(channel, 1, { exclude: { users: [user] } });
      expect((await explain(channel)).verdict).toBe('excluded');
    }
  });

  test('a reader that does not read: its socket is full, and what it has not got waits', async () => {
    const channel = `order:${user}`;
    const { client } = await subscribed(channel);
    client.pause();
    const data = 'x'.repeat(60_000);
    let report = await explain(channel);
    for (let count = 0; count < 900 && report.verdict !== 'waiting'; count++) {
      await publish(channel, data);
      if (count % 50 === 49) report = await explain(channel);
    }
    expect(report.verdict).toBe('waiting');
    expect(report.sessions[0]?.says).toMatch(/^Not written yet: its socket is full since /);
    expect((await explain(channel, { offset: 1 })).sessions[0]?.outcome).toBe('live');
    client[Symbol.dispose]();
  });

  test('acknowledged, by a device, at a time', async () => {
    const channel = `user:${user}`;
    const { client } = await subscribed(channel);
    await publish(channel, 1);
    expect((await explain(channel)).summary).toContain('No device has acknowledged it.');
    client.send(`{"id":2,"op":"ack","channel":"${channel}","offset":1}`);
    await client.until(4);
    const report = await explain(channel);
    expect(report.verdict).toBe('acknowledged');
    expect(report.summary).toMatch(/^Acknowledged by the device 'default' at \d{4}-/);
  });

  test('what is asked badly is refused by name', async () => {
    await expect(api('explain', { channel: 'order:1' })).rejects.toThrow("either 'session' or 'user'");
    await expect(explain('order:1', { epoch: 'x' })).rejects.toThrow("'epoch' goes with an 'offset'");
    await expect(explain('order:1', { offset: 0 })).rejects.toThrow("'offset' must be a whole number from 1");
    await expect(explain('live:1', { offset: 3 })).rejects.toThrow('keeps no history');
  });

  test('EXP3 what is out of memory: history and live sessions say what they can', async () => {
    const channel = `order:${user}`;
    const { session } = await subscribed(channel);
    await publish(channel, 1);
    const requests = Array.from({ length: 1_000 }, () => ({
      method: 'publish',
      params: { channel: 'live:x', data: 1 },
    }));
    for (let count = 0; count < 17; count++) await api('batch', { requests });
    const report = await explain(channel, { offset: 1 });
    expect(report.sessions).toMatchObject([{ session, outcome: 'live' }]);
    expect(report.notes.join(' ')).toContain('How it came in is not remembered: what is begins at ');
    expect((await explain('live:never')).verdict).toBe('unknown');
  });
});

describe('EXP1 the command', () => {
  test('prints a timeline and ends with 0 where it was written, with 1 where not', async () => {
    const channel = `order:${user}`;
    const { session } = await subscribed(channel);
    await publish(channel, 1);
    const told = await command('--user', `${user}`, '--channel', channel);
    expect(told).toMatchObject({ code: 0, stderr: '' });
    expect(told.stdout).toContain(`Written to 1 of 1 session of the user '${user}'.`);
    expect(told.stdout).toMatch(
      new RegExp(`\\n {2}${session} {2}live {2}Written to its connection as it came\\.\\n`),
    );
    expect(told.stdout).toMatch(
      /\n {2}\d{4}-\d\d-\d\dT[\d:.]+Z {2}came in over the server API, and was answered offset 1, /,
    );
    const other = await command('--session', 'nobody', '--channel', channel, '--offset', '1');
    expect(other.code).toBe(1);
    expect(other.stdout).toContain("The session 'nobody' is not there, and none of before is remembered.");
    const json = await command('--user', `${user}`, '--channel', channel, '--offset', '1', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ verdict: 'written', offset: 1, sessions: [{ session }] });
  });

  test('says what is wrong with its arguments, and what the server refuses', async () => {
    for (const [args, message] of [
      [['--user', '1'], "'--channel C' is required"],
      [['--channel', 'a'], "give either '--user U' or '--session S'"],
      [['--channel', 'a', '--user', '1', '--session', 'x'], "give either '--user U' or '--session S'"],
      [['--channel', 'a', '--user', '1', '--offset', '-1'], "'--offset' must be a whole number from 1 on"],
      [['--channel', 'a', '--user', '1', '--epoch', 'x'], "'--epoch' goes with '--offset N'"],
    ] as const) {
      expect(await command(...args)).toMatchObject({
        code: 64,
        stdout: '',
        stderr: `carillon: ${message}\n`,
      });
    }
    const refused = await command('--channel', 'live:1', '--user', '1', '--offset', '1');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("leave 'offset' out")]);
    const port = await freePort();
    const away = await runCarillon([
      'explain',
      '--url',
      `http://127.0.0.1:${port}`,
      '--channel',
      'a',
      '--user',
      '1',
    ]);
    expect(away.code).toBe(69);
  });
});
