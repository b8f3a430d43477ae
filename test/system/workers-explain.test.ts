/** What became of a publication in a server of two workers: any of them is asked, and all answer. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { Listener } from '../support/listener.ts';

let server: RunningCarillon;
const clients: Listener[] = [];

beforeAll(async () => {
  server = await startCarillon({
    config: {
      workers: 2,
      api: { keys: ['key'] },
      auth: { tokens: { ann: { user: 'ann' } } },
      channels: {
        'order:*': { subscribe: 'user', history: { size: 100, ttl: '10m' } },
        'user:{uid}': { subscribe: 'owner', inbox: true },
      },
    },
  });
});
afterEach(() => {
  for (const client of clients.splice(0)) client[Symbol.dispose]();
});
afterAll(() => server?.stop());

interface Report {
  readonly verdict: string;
  readonly summary: string;
  readonly sessions: readonly {
    readonly session: string;
    readonly worker: number;
    readonly outcome: string;
  }[];
  readonly timeline: readonly { readonly worker?: number; readonly says: string }[];
  readonly notes: readonly string[];
}

/** Each request comes on a connection of its own, so that any worker may get it. */
async function api<Result>(method: string, params: object): Promise<Result> {
  const response = await fetch(`${server.url}/v1/${method}`, {
    method: 'POST',
    headers: { 'X-API-Key': 'key', 'Content-Type': 'application/json', Connection: 'close' },
    body: JSON.stringify(params),
  });
  const { result, error } = (await response.json()) as { result: Result; error?: { message: string } };
  if (error !== undefined) throw new Error(error.message);
  return result;
}

/** Sessions of Ann, subscribed, one at each worker. */
async function atBoth(channel: string): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for (let attempt = 0; attempt < 200 && found.size < 2; attempt++) {
    const client = await Listener.open(`${server.wsUrl}/ws`);
    client.send('{"id":0,"op":"auth","token":"ann","device":"phone"}');
    const [reply = ''] = await client.until(1);
    const { session } = (JSON.parse(String(reply)) as { result: { session: string } }).result;
    const worker = Number.parseInt(session, 36);
    if (found.has(worker)) {
      client[Symbol.dispose]();
      // The other one may be on its way up.
      await sleep(25);
      continue;
    }
    found.set(worker, session);
    clients.push(client);
    client.send(JSON.stringify({ op: 'subscribe', channel }));
    await client.until(2);
  }
  expect(found.size).toBe(2);
  return found;
}

test('EXP4 sessions at both workers, whichever is asked, with the way through the primary', async () => {
  const sessions = await atBoth('order:1');
  const { offset } = await api<{ offset: number }>('publish', { channel: 'order:1', data: 1 });
  for (let time = 0; time < 6; time++) {
    const report = await api<Report>('explain', { channel: 'order:1', user: 'ann', offset });
    expect(report.verdict).toBe('written');
    const told = report.sessions.filter(({ outcome }) => outcome === 'live');
    expect(new Map(told.map(({ worker, session }) => [worker, session]))).toEqual(sessions);
    const says = report.timeline.map((entry) => entry.says);
    expect(says).toContainEqual(expect.stringMatching(/^handed on to the workers \d, \d$/));
    expect(says.filter((each) => each === 'handed on to 1 subscription')).toHaveLength(2);
    expect(
      says.filter((each) => each.startsWith('came in over the server API, and was answered')),
    ).toHaveLength(1);
  }
});

test('EXP4 an acknowledgement at one worker is known at both', async () => {
  await atBoth('user:ann');
  await api('publish', { channel: 'user:ann', data: 1 });
  const [first] = clients;
  first?.send('{"op":"ack","channel":"user:ann","offset":1}');
  await first?.until(4);
  for (let time = 0; time < 6; time++) {
    const report = await api<Report>('explain', { channel: 'user:ann', user: 'ann' });
    expect(report.summary).toMatch(/^Acknowledged by the device 'phone' at \d{4}-/);
  }
});

test('EXP4 a worker that was killed is named, and what the others know is told', async () => {
  const sessions = await atBoth('order:2');
  await api('publish', { channel: 'order:2', data: 1 });
  const { workers } = await api<{ workers: { pid: number }[] }>('info', {});
  const [victim] = workers;
  if (victim === undefined) throw new Error('a worker has answered');
  process.kill(victim.pid, 'SIGKILL');
  let report: Report | undefined;
  for (
    let attempt = 0;
    attempt < 100 && !report?.notes.some((note) => note.startsWith('Worker '));
    attempt++
  ) {
    report = await api<Report>('explain', { channel: 'order:2', user: 'ann' }).catch(() => undefined);
  }
  const note = report?.notes.find((each) => each.startsWith('Worker ')) ?? '';
  expect(note).toMatch(/^Worker \d ended at .*what it remembered is gone with it\.$/);
  const left = [...sessions].filter(([worker]) => !note.startsWith(`Worker ${worker} `));
  expect(left).toHaveLength(1);
  const live = report?.sessions.filter(({ outcome }) => outcome === 'live');
  expect(live?.map(({ worker, session }) => [worker, session])).toEqual(left);
});
