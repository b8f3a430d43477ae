/** The scenario `send`: what a directed send costs among few sessions and among many. Without sockets, in this process. */

import { noCounts } from '../packages/server/src/bench/checker.ts';
import { type Figure, figure, type Outcome } from '../packages/server/src/bench/outcome.ts';
import type { Progress } from '../packages/server/src/bench/progress.ts';
import type { Size } from '../packages/server/src/bench/scenarios.ts';
import { MemoryBroker } from '../packages/server/src/brokers/memory/broker.ts';
import type { Identity } from '../packages/server/src/core/access.ts';
import type { Target } from '../packages/server/src/core/addressing.ts';
import type { Connection } from '../packages/server/src/core/connection.ts';
import { Node } from '../packages/server/src/core/node.ts';
import { Rules } from '../packages/server/src/core/rules.ts';
import { parseWhere } from '../packages/server/src/core/where.ts';
import { SystemClock } from '../packages/server/src/system/clock.ts';
import { randomEpoch, randomId } from '../packages/server/src/system/ids.ts';
import { nativeWire } from '../packages/server/src/transports/websocket/wires.ts';

/** Sessions in all; how many a send reaches is the same in each. The first two make the ratio. */
export const crowds = ['50,000 sessions', '1,000 sessions', '10,000 sessions'] as const;
export type CrowdSize = (typeof crowds)[number];

const sessionsOfUser = 4;
const sessionsOfGroup = 100;
const marked = 50;

interface Aim {
  readonly name: string;
  readonly reaches: number;
  readonly sends: number;
  to(index: number): Target;
}

const aims: readonly Aim[] = [
  {
    name: 'user (4)',
    reaches: sessionsOfUser,
    sends: 40_000,
    to: (index) => ({ users: [`u${index % 25}`] }),
  },
  { name: 'group (100)', reaches: sessionsOfGroup, sends: 4_000, to: () => ({ groups: ['g'] }) },
  {
    name: 'where (50)',
    reaches: marked,
    sends: 4_000,
    to: () => ({ where: parseWhere('marked & city=sh & !dev=ios') }),
  },
];

export async function runSend(crowd: CrowdSize, { quick }: Size, progress: Progress): Promise<Outcome> {
  const count = Number(crowd.replace(/\D/g, '')) / (quick === true ? 10 : 1);
  progress.update(`making ${count} sessions`);
  const node = await populate(count);
  const counts = noCounts();
  const figures: Figure[] = [];
  for (const aim of aims) {
    const sends = quick === true ? aim.sends / 20 : aim.sends;
    progress.update(aim.name);
    await sendMany(node, aim, Math.ceil(sends / 4));
    const before = process.cpuUsage();
    const missed = await sendMany(node, aim, sends);
    const { user, system } = process.cpuUsage(before);
    counts.missing += missed;
    figures.push(figure(`CPU us/send, ${aim.name}`, (user + system) / sends, 2));
  }
  await node.close();
  const title =
    'Directed sends among sessions without sockets: to a user of 4, a group of 100, a tag expression of 50';
  return { scenario: 'send', title, figures, counts, notes: [] };
}

/** Sends in batches, as requests come, and waits for each batch to be written. Returns how many recipients were missed. */
async function sendMany({ reach }: Node, { to, reaches }: Aim, sends: number): Promise<number> {
  let missed = 0;
  for (let index = 0; index < sends; index++) {
    const sent = await reach.addressing.send(to(index), { data: '{"text":"hello"}' });
    missed += Math.abs(reaches - sent);
    if (index % 50 === 49) await new Promise((resolve) => setImmediate(resolve));
  }
  return missed;
}

/** The first hundred sessions are those that sends are meant for. */
async function populate(count: number): Promise<Node> {
  const clock = new SystemClock();
  const silent = (): void => {};
  const node = new Node({
    broker: new MemoryBroker({ clock, newEpoch: randomEpoch }),
    rules: new Rules([]),
    authenticator: { admitsAnonymous: true, authenticate: async (token) => identityOf(Number(token)) },
    clock,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    newSessionId: randomId,
    channelsPerConnection: 128,
    laneLogBytes: 1_048_576,
  });
  await node.start();
  for (let index = 0; index < count; index++) {
    const request = { address: '127.0.0.1', headers: {}, token: String(index) };
    const { session } = node.accept(new NoConnection(), request);
    await node.reach.people.join(index < sessionsOfGroup ? 'g' : `g${index % 500}`, { session });
  }
  await new Promise((resolve) => setImmediate(resolve));
  return node;
}

function identityOf(index: number): Identity {
  const tags = { city: 'sh', dev: index % 3 === 0 ? 'android' : 'web' };
  const user = `u${Math.floor(index / sessionsOfUser)}`;
  return { user, tags: index < marked ? { ...tags, marked: true } : tags };
}

/** Takes everything at once. */
class NoConnection implements Connection {
  readonly wire = nativeWire;

  write(): boolean {
    return true;
  }

  cork(): void {}

  uncork(): boolean {
    return true;
  }

  pause(): void {}

  resume(): void {}

  close(): void {}
}
