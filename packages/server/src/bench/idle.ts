/** What connections cost while they are opened, and while nothing happens on them. */
import { setTimeout as pause } from 'node:timers/promises';
import { Crowd } from './crowd.ts';
import { cpu, figure, notes, type Outcome, rate } from './outcome.ts';
import { processTree, residentBytes, stopwatch } from './process-figures.ts';
import type { Progress } from './progress.ts';
import { Publisher } from './publisher.ts';
import type { Target } from './target.ts';

export interface Idle {
  readonly name: string;
  readonly title: string;
  readonly connections: number;
  /** Each connection subscribes to a channel of its own, not all to one. */
  readonly ownChannels: boolean;
  /** Wait until memory is steady and measure it; otherwise only the opening is measured. */
  readonly memory: boolean;
  /** How long memory must have stayed the same, and how long idle CPU is measured. */
  readonly steadySeconds: number;
}

export async function runIdle(target: Target, plan: Idle, progress: Progress): Promise<Outcome> {
  const channel = `${target.prefix}${Math.random().toString(16).slice(2, 8).padEnd(6, '0')}`;
  const crowd = new Crowd(target, !plan.ownChannels);
  const pids = target.pid === undefined ? undefined : processTree(target.pid);
  const before = pids === undefined ? undefined : residentBytes(pids);
  try {
    const watch = stopwatch(target.pid);
    await crowd.open({
      connections: plan.connections,
      channelOf: (index) => (plan.ownChannels ? `${channel}-${index}` : channel),
      opened: (count) => progress.update(`connecting ${count} of ${plan.connections}`),
    });
    const opening = watch();
    const memory = plan.memory ? await measureMemory(target, plan, before, progress) : [];
    if (!plan.ownChannels) await reachAll(target, channel, crowd);
    return {
      scenario: plan.name,
      title: plan.title,
      figures: [
        ...memory,
        rate('connects/s', plan.connections, opening),
        ...cpu('connect', plan.connections, opening),
      ],
      counts: crowd.counts,
      notes: notes(opening, crowd.closeReason),
    };
  } finally {
    crowd.close();
  }
}

async function measureMemory(target: Target, plan: Idle, before: number | undefined, progress: Progress) {
  progress.update('settling');
  const after = await settledBytes(target.pid, plan.steadySeconds);
  progress.update('idling');
  const watch = stopwatch(target.pid);
  await pause(plan.steadySeconds * 1000);
  const idle = watch();
  const known = after !== undefined && before !== undefined;
  return [
    figure('memory bytes/connection', known ? (after - before) / plan.connections : undefined, 0),
    { ...figure('memory MB in all', known ? after / 2 ** 20 : undefined, 1), compared: false },
    {
      ...figure(
        'idle CPU ms/s',
        idle.serverCpu === undefined ? undefined : (idle.serverCpu * 1000) / idle.seconds,
        2,
      ),
      compared: false,
    },
  ];
}

/** Resident memory once it has moved by less than 0.5 % for so long, or after 15 s. */
export async function settledBytes(
  pid: number | undefined,
  steadySeconds: number,
): Promise<number | undefined> {
  if (pid === undefined) return undefined;
  const pids = processTree(pid);
  let steady = residentBytes(pids);
  let since = 0;
  for (let round = 0; round < 150 && since < steadySeconds * 10; round++) {
    await pause(100);
    const now = residentBytes(pids);
    if (now === undefined || steady === undefined) return undefined;
    since = Math.abs(now - steady) < steady * 0.005 ? since + 1 : 0;
    if (since === 0) steady = now;
  }
  return residentBytes(pids);
}

/** One publication must reach every connection: all of them were really held. */
async function reachAll(target: Target, channel: string, crowd: Crowd): Promise<void> {
  const publisher = await Publisher.open(target, channel, 64);
  try {
    publisher.publish(1);
    await crowd.settle(() => 1);
    publisher.check();
  } finally {
    publisher.close();
  }
}
