/** The scenarios, their sizes and their words. */
import { type Directed, runDirected } from './directed.ts';
import { type FanOut, runFanOut } from './fan-out.ts';
import { type Idle, runIdle } from './idle.ts';
import { type LongPoll, runLongPoll } from './long-poll.ts';
import type { Outcome } from './outcome.ts';
import type { Progress } from './progress.ts';
import type { Target } from './target.ts';

export const scenarioNames = [
  'fanout',
  'steady',
  'wide',
  'directed',
  'idle',
  'idle-own',
  'connect',
  'sse',
  'longpoll',
] as const;
export type ScenarioName = (typeof scenarioNames)[number];

/** What a caller may change of a scenario. */
export interface Size {
  /** Small and short: for trying out and for tests, its figures mean nothing. */
  readonly quick?: boolean | undefined;
  /** Subscribers, users or connections. */
  readonly connections?: number | undefined;
  /** Length of the measured stretch. */
  readonly seconds?: number | undefined;
}

/** Runs one scenario against a server; throws BenchError when it cannot be run to its end. */
export function runScenario(
  name: ScenarioName,
  target: Target,
  size: Size,
  progress: Progress,
): Promise<Outcome> {
  switch (name) {
    case 'fanout':
    case 'steady':
    case 'wide':
    case 'sse':
      return runFanOut(target, fanOut(name, size), progress);
    case 'directed':
      return runDirected(target, directed(size), progress);
    case 'longpoll':
      return runLongPoll(target, longPoll(size), progress);
    default:
      return runIdle(target, idle(name, size), progress);
  }
}

const fanOuts = {
  fanout: { label: 'Saturated fan-out', subscribers: 1000, load: { inFlight: 64 } },
  steady: { label: 'Steady fan-out', subscribers: 1000, load: { perSecond: 50 } },
  wide: { label: 'Wide fan-out', subscribers: 10_000, load: { perSecond: 10 } },
  sse: { label: 'Server-Sent Events', subscribers: 1000, load: { perSecond: 50 } },
} as const;

function fanOut(name: keyof typeof fanOuts, size: Size): FanOut {
  const { label, subscribers, load } = fanOuts[name];
  const connections = size.connections ?? (size.quick ? 100 : subscribers);
  const seconds = size.seconds ?? (size.quick ? 0.5 : 5);
  const how =
    'perSecond' in load ? `${load.perSecond} publications/s` : `${load.inFlight} publications in flight`;
  return {
    name,
    title: `${label}: 1 channel, ${connections} subscribers, 128 bytes, ${how}, ${seconds} s`,
    transport: name === 'sse' ? 'sse' : 'websocket',
    subscribers: connections,
    payload: 128,
    load,
    warmUpSeconds: size.quick ? 0.2 : 2,
    seconds,
  };
}

function directed(size: Size): Directed {
  const users = size.connections ?? (size.quick ? 100 : 1000);
  const seconds = size.seconds ?? (size.quick ? 0.5 : 5);
  return {
    name: 'directed',
    title: `Directed publish: ${users} users with a channel each, 16 HTTP connections, one publication on the way in each, 128 bytes, ${seconds} s`,
    users,
    publishers: 16,
    payload: 128,
    warmUpSeconds: size.quick ? 0.2 : 2,
    seconds,
  };
}

function idle(name: 'idle' | 'idle-own' | 'connect', size: Size): Idle {
  const connections = size.connections ?? (size.quick ? 200 : name === 'connect' ? 5000 : 10_000);
  const ownChannels = name === 'idle-own';
  const channels = ownChannels ? 'a channel each' : 'one channel';
  return {
    name,
    title: `${name === 'connect' ? 'Connect rate' : 'Idle connections'}: ${connections} connections with one subscription, ${channels}`,
    connections,
    ownChannels,
    memory: name !== 'connect',
    steadySeconds: size.quick ? 0.3 : 2,
  };
}

function longPoll(size: Size): LongPoll {
  const polls = size.connections ?? (size.quick ? 200 : 10_000);
  const seconds = size.seconds ?? (size.quick ? 1 : 16);
  const perSecond = size.quick ? 5 : 0.5;
  return {
    name: 'longpoll',
    title: `Held long-polls: ${polls} of one channel, 128 bytes, one publication every ${1 / perSecond} s, ${seconds} s`,
    polls,
    payload: 128,
    perSecond,
    seconds,
    steadySeconds: size.quick ? 0.3 : 2,
  };
}
