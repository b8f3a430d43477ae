/** What reaching people costs, by counting, and that the counts are right with many of them. Times are the bench's affair. */
import { expect, test } from 'vitest';
import type { Target } from '../../packages/server/src/core/addressing.ts';
import { parseWhere } from '../../packages/server/src/core/where.ts';
import { type CoreHost, startCore } from '../../packages/server/src/testing/core-host.ts';
import { FakeConnection } from '../../packages/server/src/testing/fake-connection.ts';
import { LineWire } from '../../packages/server/src/testing/line-wire.ts';

const cities = ['sh', 'bj', 'gz', 'sz', 'hz'];
const wires = [new LineWire({ name: 'x' }), new LineWire({ name: 'y' })];

/** Remembers which buffers it was given. */
class WatchedConnection extends FakeConnection {
  readonly buffers: Buffer[] = [];

  override write(bytes: Buffer): boolean {
    this.buffers.push(bytes);
    return super.write(bytes);
  }
}

interface Person {
  readonly session: string;
  readonly user: string;
  readonly groups: readonly string[];
  readonly vip: boolean;
  readonly city: string;
  readonly ios: boolean;
  readonly connection: WatchedConnection;
}

/** Every user has sessions on both wires. Each user is in one group, each tenth session in another. */
async function crowd(
  sessions: number,
  users: number,
  groups: number,
): Promise<{ host: CoreHost; all: Person[] }> {
  const host = await startCore({
    newSessionId: () => `s${all.length}`,
    authenticate: async (token) => {
      const at = Number(token);
      const tags = { vip: at % 10 === 0, city: cities[at % 5] ?? '', ...(at % 3 === 0 && { dev: 'ios' }) };
      return { user: `u${at % users}`, tags };
    },
  });
  const all: Person[] = [];
  for (let at = 0; at < sessions; at++) {
    const wire = wires[Math.floor(at / users) % 2] ?? new LineWire();
    const connection = new WatchedConnection(wire);
    const session = `s${at}`;
    connection.listen(host.node.accept(connection, { address: '192.0.2.1', headers: {}, token: `${at}` }));
    const own = at % 10 === 0 ? [`g${(at / 10) % groups}`] : [];
    if (own[0] !== undefined) await host.node.reach.people.join(own[0], { session });
    all.push({
      session,
      connection,
      user: `u${at % users}`,
      groups: [...own, `g${(at % users) % groups}`],
      vip: at % 10 === 0,
      city: cities[at % 5] ?? '',
      ios: at % 3 === 0,
    });
  }
  for (let user = 0; user < users; user++)
    await host.node.reach.people.join(`g${user % groups}`, { user: `u${user}` });
  await host.settle();
  return { host, all };
}

/** Sends, and lets every turn that it takes come to its end. */
async function send(
  host: CoreHost,
  to: Target,
  exclude?: { sessions?: string[]; users?: string[] },
): Promise<number> {
  let count: number | undefined;
  const sent = host.node.reach.addressing.send(to, { data: '1', ...(exclude && { exclude }) });
  void sent.then((sessions) => {
    count = sessions;
  });
  for (let turn = 0; turn < 1_000 && count === undefined; turn++) await host.settle();
  await host.settle();
  return count ?? -1;
}

test('20,000 sessions of 5,000 users in 500 groups: every count is exact, and nobody else gets anything', {
  timeout: 60_000,
}, async () => {
  const { host, all } = await crowd(20_000, 5_000, 500);
  const cases: [Target, (person: Person) => boolean][] = [
    [{ all: true }, () => true],
    [{ users: ['u17'] }, ({ user }) => user === 'u17'],
    [{ users: ['u1', 'u2', 'u1', 'nobody'] }, ({ user }) => user === 'u1' || user === 'u2'],
    [{ groups: ['g3'] }, ({ groups }) => groups.includes('g3')],
    [{ groups: ['g3', 'g10', 'none'] }, ({ groups }) => groups.includes('g3') || groups.includes('g10')],
    [{ where: parseWhere('vip & city=sh & !dev=ios') }, ({ vip, city, ios }) => vip && city === 'sh' && !ios],
    [
      { where: parseWhere('!vip & (city=bj | city=gz)') },
      ({ vip, city }) => !vip && (city === 'bj' || city === 'gz'),
    ],
    [{ where: parseWhere('!dev') }, ({ ios }) => !ios],
    [{ sessions: ['s5', 's6', 's5', 'gone'] }, ({ session }) => session === 's5' || session === 's6'],
  ];
  for (const [to, isMeant] of cases) {
    for (const { connection } of all) connection.buffers.length = 0;
    const expected = all.filter(isMeant);
    expect([to, await send(host, to)]).toEqual([to, expected.length]);
    expect(all.filter(({ connection }) => connection.buffers.length === 1)).toEqual(expected);
    expect(all.filter(({ connection }) => connection.buffers.length > 1)).toEqual([]);
  }
  for (let at = 0; at < all.length; at += 2) all[at]?.connection.cut();
  expect(await send(host, { all: true }, { users: ['u1'], sessions: ['s3', 's2'] })).toBe(10_000 - 4 - 1);
  expect(await send(host, { groups: ['g3'] })).toBe(
    all.filter(({ groups }, at) => at % 2 === 1 && groups.includes('g3')).length,
  );
  expect(await send(host, { where: parseWhere('vip') })).toBe(0);
});

test('a send makes one frame for each wire, and one write of shared bytes for each session', async () => {
  const { host, all } = await crowd(40, 10, 5);
  const before = wires.map(({ encoded }) => encoded);
  for (const { connection } of all) connection.buffers.length = 0;
  expect(await send(host, { all: true })).toBe(40);
  expect(wires.map(({ encoded }, index) => encoded - (before[index] ?? 0))).toEqual([1, 1]);
  expect(all.map(({ connection }) => connection.buffers.length)).toEqual(Array(40).fill(1));
  expect(new Set(all.map(({ connection }) => connection.buffers[0])).size).toBe(2);
});

test('several sends of one turn are one write for each session', async () => {
  const { host, all } = await crowd(20, 10, 5);
  const writes = all.map(({ connection }) => connection.writes);
  const { addressing } = host.node.reach;
  await Promise.all(Array.from({ length: 10 }, (_, at) => addressing.send({ all: true }, { data: `${at}` })));
  await host.settle();
  expect(all.map(({ connection }, index) => connection.writes - (writes[index] ?? 0))).toEqual(
    Array(20).fill(1),
  );
});

test('a very wide send lets others have a turn', async () => {
  const { host } = await crowd(3_000, 1_000, 5);
  let turns = 0;
  const count = host.node.reach.addressing.send({ all: true }, { data: '1' });
  const next = (): void => {
    turns += 1;
    if (turns < 3) host.clock.atTurnEnd(next);
  };
  host.clock.atTurnEnd(next);
  for (let turn = 0; turn < 10; turn++) await host.settle();
  expect([await count, turns]).toEqual([3_000, 3]);
});
