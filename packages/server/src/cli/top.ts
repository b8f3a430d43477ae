/** `carillon top`: the figures of a running server, live in the terminal. */
import { setTimeout as sleep } from 'node:timers/promises';
import { callApi, refused } from './api.ts';
import { type Call, type Command, columns, numberOption, textOption, usage } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { httpUrl, targetOptions } from './target.ts';

const { url, key } = targetOptions;

export const top: Command = {
  name: 'top',
  positionals: '',
  arity: { min: 0, max: 0 },
  about: [
    'Shows who is connected to a running server and what goes through it, anew every second, until Ctrl-C.',
    'Where the output is no terminal, each look is a line of its own.',
  ],
  options: {
    url,
    key,
    interval: {
      type: 'string',
      placeholder: 'SECONDS',
      sentence: 'Between two looks, 1 to 3600.',
      default: '1',
    },
    count: { type: 'string', placeholder: 'N', sentence: 'End after N looks.' },
    json: { type: 'boolean', sentence: 'Print each look as a line of JSON.' },
  },
  examples: ['top', 'top --url http://127.0.0.1:6789 --interval 5', 'top --count 1 --json'],
  run: runTop,
};

interface Worker {
  readonly id: number;
  readonly pid: number;
  readonly connections: number;
  readonly sessions: number;
  readonly users: number;
  readonly channels: number;
  readonly subscriptions: number;
  readonly publications: number;
  readonly deliveries: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

interface Info {
  readonly version: string;
  readonly uptime: number;
  readonly workers: readonly Worker[];
}

interface Look {
  readonly info: Info;
  /** Milliseconds of a clock that never steps back. */
  readonly at: number;
}

const mebibyte = 1_048_576;
/** Moves to the upper left corner and clears what is below. */
const home = '\u001b[H\u001b[J';

async function runTop(call: Call): Promise<number> {
  const { flags, terminal } = call;
  const seconds = numberOption(call, 'interval') ?? 1;
  if (seconds < 1 || seconds > 3_600) throw usage("'--interval' must be 1 to 3600 seconds");
  const left = numberOption(call, 'count') ?? Number.POSITIVE_INFINITY;
  if (left === 0) throw usage("'--count' must be at least 1");
  const { stdout } = terminal;
  const render = flags['json'] === true ? asJson : stdout.isTTY ? asScreen : asLine;
  let before: Look | undefined;
  for (let count = 0; count < left; count++) {
    if (count > 0) await sleep(seconds * 1_000);
    const look = await lookAt(call);
    stdout.write(render(look, before));
    before = look;
  }
  return exitCodes.ok;
}

async function lookAt(call: Call): Promise<Look> {
  const target = httpUrl(textOption(top, call, 'url') ?? '', '/v1/info');
  const answer = await callApi<Info>(target, '{}', textOption(top, call, 'key'));
  if (answer.result === undefined) throw refused(answer);
  return { info: answer.result, at: performance.now() };
}

/** What went through a worker in a second since the look before; nothing is known at the first. */
interface Rates {
  readonly publications: number;
  readonly deliveries: number;
  /** Of one core. */
  readonly cpuPercent: number;
}

function ratesOf(worker: Worker, { at }: Look, before: Look | undefined): Rates | undefined {
  // A worker that was replaced begins to count anew.
  const earlier = before?.info.workers.find(({ pid }) => pid === worker.pid);
  if (before === undefined || earlier === undefined) return undefined;
  const seconds = (at - before.at) / 1_000;
  return {
    publications: (worker.publications - earlier.publications) / seconds,
    deliveries: (worker.deliveries - earlier.deliveries) / seconds,
    cpuPercent: ((worker.cpuSeconds - earlier.cpuSeconds) * 100) / seconds,
  };
}

function asJson(look: Look, before: Look | undefined): string {
  const { workers, version, uptime } = look.info;
  const told = workers.map((worker) => ({ ...worker, perSecond: ratesOf(worker, look, before) }));
  return `${JSON.stringify({ version, uptime, workers: told })}\n`;
}

const heads = ['worker', 'connections', 'sessions', 'users', 'channels', 'subscriptions'];
const rateHeads = ['published/s', 'delivered/s', 'CPU %', 'memory MiB'];

function rowOf(worker: Worker, look: Look, before: Look | undefined): string[] {
  const { id, connections, sessions, users, channels, subscriptions, memoryBytes } = worker;
  const rates = ratesOf(worker, look, before);
  const perSecond = [rates?.publications, rates?.deliveries, rates?.cpuPercent].map((rate) =>
    rate === undefined ? '-' : whole(rate),
  );
  const counts = [connections, sessions, users, channels, subscriptions].map(whole);
  return [String(id), ...counts, ...perSecond, whole(memoryBytes / mebibyte)];
}

function asScreen(look: Look, before: Look | undefined): string {
  const { version, uptime, workers } = look.info;
  const rows = [[...heads, ...rateHeads], ...workers.map((worker) => rowOf(worker, look, before))];
  return `${home}Carillon ${version}, up ${duration(uptime)}\n\n${columns(rows)}\n\nCtrl-C ends this.\n`;
}

function asLine(look: Look, before: Look | undefined): string {
  const names = [...heads, ...rateHeads];
  return look.info.workers
    .map(
      (worker) =>
        `${rowOf(worker, look, before)
          .map((cell, at) => `${names[at]} ${cell}`)
          .join('  ')}\n`,
    )
    .join('');
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function duration(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const clock = new Date((seconds % 86_400) * 1_000).toISOString().slice(11, 19);
  return days === 0 ? clock : `${days} d ${clock}`;
}
