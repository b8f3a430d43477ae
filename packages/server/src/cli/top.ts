/** `carillon top`: the figures of a running server, live in the terminal. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Counts } from '../server/figures.ts';
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

interface Process {
  readonly pid: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

interface Worker extends Counts, Process {
  readonly id: number;
  /** It did not answer, and these are its figures of before. */
  readonly late?: true;
}

interface Info {
  readonly version: string;
  readonly pid: number;
  readonly uptime: number;
  readonly workers: readonly Worker[];
  readonly totals: Counts;
  /** Absent where one process serves. */
  readonly primary?: Process & { readonly restarts: number };
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

/** What went through in a second since the look before; nothing is known at the first, nor of what was not there then. */
interface Rates {
  readonly publications: number;
  readonly deliveries: number;
}

interface Shown {
  readonly name: string;
  readonly pid?: number;
  readonly counts?: Counts;
  readonly rates: Rates | undefined;
  /** Of one core. */
  readonly cpuPercent: number | undefined;
  readonly memoryBytes: number;
}

function ratesOf(now: Counts, earlier: Counts | undefined, seconds: number): Rates | undefined {
  if (earlier === undefined) return undefined;
  return {
    publications: (now.publications - earlier.publications) / seconds,
    deliveries: (now.deliveries - earlier.deliveries) / seconds,
  };
}

/** A process that was replaced begins to count anew. */
function cpuOf(now: Process, earlier: Process | undefined, seconds: number): number | undefined {
  return earlier === undefined ? undefined : ((now.cpuSeconds - earlier.cpuSeconds) * 100) / seconds;
}

function secondsBetween(look: Look, before: Look | undefined): number {
  return before === undefined ? 1 : (look.at - before.at) / 1_000;
}

function shownWorkers(look: Look, before: Look | undefined): Shown[] {
  const seconds = secondsBetween(look, before);
  return look.info.workers.map((worker) => {
    const earlier = before?.info.workers.find(({ pid }) => pid === worker.pid);
    return {
      name: `${worker.id}${worker.late === true ? lateMark : ''}`,
      pid: worker.pid,
      counts: worker,
      rates: ratesOf(worker, earlier, seconds),
      cpuPercent: cpuOf(worker, earlier, seconds),
      memoryBytes: worker.memoryBytes,
    };
  });
}

/** All workers together, and the primary, which serves nobody. */
function shownTotals(look: Look, before: Look | undefined, workers: readonly Shown[]): Shown[] {
  const { primary, totals } = look.info;
  if (primary === undefined) return [];
  const seconds = secondsBetween(look, before);
  const cpuPercent = cpuOf(primary, before?.info.primary, seconds);
  const used = [...workers.map((worker) => worker.cpuPercent), cpuPercent].filter((one) => one !== undefined);
  return [
    { name: 'primary', pid: primary.pid, rates: undefined, cpuPercent, memoryBytes: primary.memoryBytes },
    {
      name: 'total',
      counts: totals,
      rates: ratesOf(totals, before?.info.totals, seconds),
      cpuPercent: before === undefined ? undefined : used.reduce((sum, one) => sum + one, 0),
      memoryBytes: workers.reduce((sum, worker) => sum + worker.memoryBytes, primary.memoryBytes),
    },
  ];
}

function asJson(look: Look, before: Look | undefined): string {
  const { workers, primary, totals, version, pid, uptime } = look.info;
  const seconds = secondsBetween(look, before);
  const perSecond = (now: Counts & Process, earlier: (Counts & Process) | undefined): object | undefined =>
    earlier && { ...ratesOf(now, earlier, seconds), cpuPercent: cpuOf(now, earlier, seconds) };
  const told = workers.map((worker) => {
    const earlier = before?.info.workers.find(({ pid }) => pid === worker.pid);
    return { ...worker, perSecond: perSecond(worker, earlier) };
  });
  const all = { ...totals, perSecond: ratesOf(totals, before?.info.totals, seconds) };
  return `${JSON.stringify({ version, pid, uptime, workers: told, totals: all, primary })}\n`;
}

const heads = [
  ...['worker', 'pid', 'connections', 'sessions', 'users', 'channels', 'subscriptions'],
  ...['published/s', 'delivered/s', 'CPU %', 'memory MiB'],
];
/** They leave room for as many figures as a terminal of 80 columns holds. */
const shortHeads = [
  ...['worker', 'pid', 'conns', 'sess', 'users', 'chans', 'subs'],
  ...['in/s', 'out/s', 'CPU%', 'MiB'],
];
const unknown = '-';
const lateMark = '*';

/** `write`: a number, as the cells have room for. */
function rowOf({ name, pid, counts, rates, cpuPercent, memoryBytes }: Shown, write = whole): string[] {
  const cell = (value: number | undefined): string => (value === undefined ? unknown : write(value));
  return [
    name,
    pid === undefined ? unknown : String(pid),
    ...[counts?.connections, counts?.sessions, counts?.users, counts?.channels, counts?.subscriptions].map(
      cell,
    ),
    ...[rates?.publications, rates?.deliveries, cpuPercent, memoryBytes / mebibyte].map(cell),
  ];
}

function asScreen(look: Look, before: Look | undefined): string {
  const { version, uptime, primary, workers } = look.info;
  const shown = shownWorkers(look, before);
  const rows = [...shown, ...shownTotals(look, before, shown)].map((one) => rowOf(one, short));
  const several =
    primary === undefined
      ? ''
      : `, ${counted(workers.length, 'worker')}, ${counted(primary.restarts, 'restart')}`;
  const late = workers.some((worker) => worker.late === true)
    ? `${lateMark} does not answer: figures of before\n`
    : '';
  const title = `Carillon ${version}, up ${duration(uptime)}${several}`;
  return `${home}${title}\n\n${columns(aligned([shortHeads, ...rows]))}\n\n${late}Ctrl-C ends this.\n`;
}

/** Without the numbers of processes, which say little in a log. */
function asLine(look: Look, before: Look | undefined): string {
  const shown = shownWorkers(look, before);
  return [...shown, ...shownTotals(look, before, shown)]
    .map((one) => {
      const cells = rowOf(one).map((cell, at) => `${heads[at]} ${cell}`);
      return `${cells.filter((_, at) => heads[at] !== 'pid').join('  ')}\n`;
    })
    .join('');
}

/** Numbers end at the same place. */
function aligned(rows: readonly (readonly string[])[]): string[][] {
  const widths = shortHeads.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[at] ?? 0))),
  );
}

function counted(count: number, noun: string): string {
  return `${whole(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** In five characters. */
function short(value: number): string {
  const [rounded, units] = [Math.round(value), ['', 'k', 'M', 'G', 'T']];
  if (rounded < 100_000) return String(rounded);
  const thousands = Math.min(units.length - 1, Math.floor(Math.log10(rounded) / 3));
  return `${(rounded / 1_000 ** thousands).toPrecision(3)}${units[thousands]}`;
}

function duration(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const clock = new Date((seconds % 86_400) * 1_000).toISOString().slice(11, 19);
  return days === 0 ? clock : `${days} d ${clock}`;
}
