/** Members, channels and users of a server with two workers, with the real binary: told everywhere, and once, also where a worker is killed. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Carillon } from '@carillon/client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Backend } from '../../packages/server/src/testing/backend.ts';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { Listener } from '../support/listener.ts';
import { childrenOf } from '../support/processes.ts';
import { atEveryWorker, postAnywhere } from '../support/workers.ts';

const key = 'a-key-for-the-tests-of-workers';
const visitors = Array.from({ length: 40 }, (_, number) => `visitor-${number}`);
const patient = { timeout: 12_000, interval: 20 };
const told = ['channelOccupied', 'channelVacated', 'userOnline', 'userOffline'];

let folder: string;
let backend: Backend;
let carillon: RunningCarillon | undefined;
const clients: Carillon[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-workers-'));
  backend = await Backend.start((res) => void res.writeHead(204).end());
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await carillon?.stop();
  carillon = undefined;
  await backend.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Hooks that write down what they are told, each a line. */
const hooks = `
import { appendFileSync } from 'node:fs';
const file = new URL('./told.txt', import.meta.url);
const write = (name) => ({ channel, user }) => appendFileSync(file, name + ' ' + (channel ?? user) + '\\n');
export default { ${[...told, 'disconnect'].map((name) => `${name}: write('${name}')`).join(', ')} };
`;

/** Writes the config; returns its path. */
function configure(grace: string, events: readonly string[]): string {
  const file = join(folder, 'carillon.config.json');
  const config = {
    workers: 2,
    drain: '0s',
    api: { keys: [key] },
    auth: { tokens: Object.fromEntries(['watch', ...visitors].map((name) => [name, { user: name }])) },
    channels: { 'room:*': { subscribe: 'user', presence: true } },
    presence: { grace },
    hooks: './hooks.mjs',
    webhooks: [{ url: backend.url, events, batch: { wait: '10ms' } }],
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

async function start(grace: string, events: readonly string[] = told): Promise<RunningCarillon> {
  writeFileSync(join(folder, 'hooks.mjs'), hooks);
  writeFileSync(join(folder, 'told.txt'), '');
  const file = configure(grace, events);
  const running = await startCarillon({ args: ['--config', file] });
  carillon = running;
  // All workers serve, and signals are heard.
  await vi.waitFor(() => expect(running.stdout).toContain('Ctrl-C'), patient);
  return running;
}

/** A method of the server API, at any worker. */
async function api(method: string, params: object = {}): Promise<unknown> {
  const { body } = await postAnywhere(`${carillon?.url}/v1/${method}`, params, { 'X-API-Key': key });
  return (body as { readonly result?: unknown }).result ?? body;
}

/** What the webhook was told, as `userOnline ann`. */
function webhookHeard(): string[] {
  return backend.requests.flatMap(({ body }) =>
    (JSON.parse(body) as { events: Record<string, string>[] }).events.map(
      ({ type, channel, user }) => `${type} ${channel ?? user}`,
    ),
  );
}

function hooksHeard(): string[] {
  const lines = readFileSync(join(folder, 'told.txt'), 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('disconnect'));
}

/** Both were told exactly these. */
async function heard(events: readonly string[]): Promise<void> {
  const wanted = events.toSorted();
  await vi.waitFor(() => expect(webhookHeard().toSorted()).toEqual(wanted), patient);
  await vi.waitFor(() => expect(hooksHeard().toSorted()).toEqual(wanted), patient);
}

/** A client that does not come back. */
async function enter(wsUrl: string, user: string): Promise<Listener> {
  const listener = await Listener.open(`${wsUrl}/ws?token=${user}`);
  listener.send(JSON.stringify({ op: 'subscribe', channel: 'room:1' }));
  await listener.until(1);
  expect(listener.events[0]).toEqual({ result: true });
  return listener;
}

/** A client that is subscribed, and comes back when its connection breaks. */
async function visit(user: string, channel: string): Promise<Carillon> {
  const client = new Carillon(carillon?.url ?? '', {
    token: user,
    transports: ['websocket'],
    backoff: { minMs: 1, maxMs: 20 },
  });
  clients.push(client);
  await client.channel(channel).subscribe();
  return client;
}

function workerOf({ session }: Carillon): string {
  return session?.split('.')[0] ?? '';
}

/** Visitors in the channel, of which some are at each worker; their users. */
async function visitAll(channel: string): Promise<string[]> {
  const users: string[] = [];
  const counts = new Map<string, number>();
  for (const user of visitors) {
    const worker = workerOf(await visit(user, channel));
    users.push(user);
    counts.set(worker, (counts.get(worker) ?? 0) + 1);
    if (counts.size === 2 && [...counts.values()].every((count) => count >= 3)) return users;
  }
  throw new Error(`not at both workers: ${[...counts]}`);
}

/** What is told of them, and of who watches. */
function toldOf(users: readonly string[]): string[] {
  return ['channelOccupied room:1', ...['watch', ...users].map((user) => `userOnline ${user}`)];
}

/** The users in the channel, as any worker knows them. */
async function listed(): Promise<string[]> {
  const { members } = (await api('presence', { channel: 'room:1' })) as Listed['result'];
  return members.map(({ user }) => user).toSorted();
}

interface Event {
  readonly type: string;
  readonly member: { readonly session: string; readonly user: string };
}

function lines(listener: Listener): string[] {
  return (listener.events as Event[]).map(({ type, member: { user } }) => `${type} ${user}`);
}

describe('members at both workers', () => {
  test('PRE13 are listed and counted at each, and each tells who comes and goes, in one order', async () => {
    const { wsUrl } = await start('100ms');
    using watchers = await atEveryWorker({ wsUrl }, 2, 'watch');
    for (const watcher of watchers.all) {
      watcher.send(JSON.stringify({ op: 'subscribe', channel: 'room:1' }));
      await watcher.until(1);
    }
    await watchers.all[0]?.until(2);
    for (const watcher of watchers.all) watcher.got.length = 0;
    const users = visitors.slice(0, 12);
    const coming = await Promise.all(users.map((user) => enter(wsUrl, user)));
    for (const watcher of watchers.all) await watcher.until(12);
    const [one = [], two = []] = watchers.all.map(lines);
    expect(one.toSorted()).toEqual(users.map((user) => `join ${user}`).toSorted());
    expect(two).toEqual(one);
    const ask = { op: 'presence', channel: 'room:1' };
    const [[here], [there]] = (await watchers.send(ask)) as [[Listed], [Listed]];
    expect(here.result.members).toHaveLength(14);
    expect(there).toEqual(here);
    expect(await watchers.send({ op: 'presence_stats', channel: 'room:1' })).toEqual(
      Array.from({ length: 2 }, () => [{ result: { sessions: 14, users: 13 } }]),
    );
    for (let asked = 0; asked < 8; asked++) {
      expect(await api('presence', { channel: 'room:1' })).toEqual(here.result);
      expect(await api('presence_stats', { channel: 'room:1' })).toEqual({ sessions: 14, users: 13 });
    }
    for (const watcher of watchers.all) watcher.got.length = 0;
    for (const client of coming) client[Symbol.dispose]();
    for (const watcher of watchers.all) await watcher.until(12);
    const [first = [], second = []] = watchers.all.map(lines);
    expect(first.toSorted()).toEqual(users.map((user) => `leave ${user}`).toSorted());
    expect(second).toEqual(first);
    await heard([
      'channelOccupied room:1',
      'userOnline watch',
      ...users.flatMap((user) => [`userOnline ${user}`, `userOffline ${user}`]),
    ]);
  });
});

describe('a worker that goes', () => {
  test('PRE13 killed: who comes back at another one never left, and everything is told once', {
    timeout: 60_000,
  }, async () => {
    const { wsUrl, pid } = await start('3s');
    using watchers = await atEveryWorker({ wsUrl }, 2, 'watch');
    const users = await visitAll('room:1');
    const known = toldOf(users);
    await heard(known);
    for (const watcher of watchers.all) {
      watcher.send(JSON.stringify({ id: 1, op: 'subscribe', channel: 'room:1' }));
      watcher.send(JSON.stringify({ id: 2, op: 'presence', channel: 'room:1' }));
      const listed = expect.objectContaining({ id: 2 });
      await vi.waitFor(() => expect(watcher.events).toContainEqual(listed), patient);
    }
    expect((await listed()).length).toBe(users.length + 2);
    for (const watcher of watchers.all) watcher.got.length = 0;
    const lost = clients.filter((client) => workerOf(client) === '1');
    expect(lost.length).toBeGreaterThanOrEqual(3);
    const victim = childrenOf(pid).find((child) => isWorker(child, '1'));
    if (victim === undefined) throw new Error('no such worker');
    process.kill(victim, 'SIGKILL');
    await vi.waitFor(() => {
      for (const client of lost) expect(workerOf(client)).not.toBe('1');
    }, patient);
    // The watcher of that worker does not come back: when that is told, so would be all the others who left.
    const watcher = watchers.all.find(({ isOpen }) => isOpen);
    if (watcher === undefined) throw new Error('nobody watches any more');
    await vi.waitFor(() => expect(eventsOf(watcher).length).toBeGreaterThan(0), patient);
    expect(eventsOf(watcher)).toEqual(['leave watch']);
    expect(await listed()).toEqual([...users, 'watch'].toSorted());
    await heard(known);
    for (const client of clients.splice(0)) client.close();
    for (const each of watchers.all) each[Symbol.dispose]();
    const ended = ['watch', ...users].map((user) => `userOffline ${user}`);
    await heard([...known, 'channelVacated room:1', ...ended]);
  });

  test('PRE13 replaced, one after another: who comes back was never away', { timeout: 60_000 }, async () => {
    const running = await start('3s');
    // Somebody who does not come back: when that is told, so would be all the others.
    using watchers = await atEveryWorker(running, 2, 'watch');
    const users = await visitAll('room:1');
    const known = toldOf(users);
    await heard(known);
    process.kill(running.pid, 'SIGUSR2');
    await vi.waitFor(() => {
      for (const client of clients) expect(['1', '2']).not.toContain(workerOf(client));
    }, patient);
    for (const watcher of watchers.all) expect(await watcher.closed).toBe(3001);
    await vi.waitFor(async () => expect(await listed()).toEqual(users.toSorted()), patient);
    await heard([...known, 'userOffline watch']);
    expect(await listed()).toEqual(users.toSorted());
  });
});

test('WBH9 any worker tells of the webhooks, and the last worker’s sessions are told of before the server ends', async () => {
  const { wsUrl } = await start('100ms', ['connect', 'disconnect']);
  const users = visitors.slice(0, 10);
  await Promise.all(users.map((user) => enter(wsUrl, user)));
  await vi.waitFor(() => expect(webhookHeard()).toHaveLength(10), patient);
  await vi.waitFor(
    async () => expect(await api('webhooks')).toMatchObject({ webhooks: [{ delivered: 10 }] }),
    patient,
  );
  const report = await api('webhooks');
  for (let asked = 0; asked < 8; asked++) expect(await api('webhooks')).toEqual(report);
  expect(await api('webhooks_retry', {})).toEqual({ letters: 0, events: 0 });
  await carillon?.stop();
  expect(webhookHeard().toSorted()).toEqual(
    users.flatMap((user) => [`connect ${user}`, `disconnect ${user}`]).toSorted(),
  );
  const lines = readFileSync(join(folder, 'told.txt'), 'utf8').split('\n');
  expect(lines.filter((line) => line.startsWith('disconnect')).toSorted()).toEqual(
    users.map((user) => `disconnect ${user}`).toSorted(),
  );
});

test('WBH9 after a reload every worker tells what the webhooks want now', async () => {
  const { wsUrl } = await start('100ms', ['connect']);
  using listeners = await atEveryWorker({ wsUrl }, 2, 'watch');
  await vi.waitFor(() => expect(webhookHeard()).toContain('connect watch'), patient);
  configure('100ms', ['disconnect']);
  expect(await api('reload')).toMatchObject({ changed: ['webhooks[0].events'] });
  const before = webhookHeard();
  for (const listener of listeners.all) listener[Symbol.dispose]();
  const left = ['disconnect watch', 'disconnect watch'];
  await vi.waitFor(() => expect(webhookHeard()).toEqual([...before, ...left]), patient);
});

interface Listed {
  readonly result: { readonly members: readonly { readonly user: string; readonly session: string }[] };
}

/** Joins and leaves that it was told. */
function eventsOf(listener: Listener): string[] {
  return (listener.events as (Partial<Event> | undefined)[]).flatMap((event) =>
    event?.type === undefined || event.member === undefined ? [] : [`${event.type} ${event.member.user}`],
  );
}

function isWorker(pid: number, id: string): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').includes(` worker ${id} `);
}
