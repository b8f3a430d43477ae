/** What a scenario found, in a form that prints, compares and serialises. */
import type { Counts } from './checker.ts';
import type { Histogram } from './histogram.ts';
import type { Stretch } from './process-figures.ts';

export interface Figure {
  readonly name: string;
  /** Undefined where it cannot be known, such as the CPU time of a server on another machine. */
  readonly value: number | undefined;
  /** Digits after the point when printed. */
  readonly digits: number;
  /** `>=`: the generator was the bound and the server can do more; `<=`: likewise for latencies. */
  readonly bound?: '>=' | '<=';
  /** False for figures about the run itself, which have no ratio. */
  readonly compared: boolean;
}

export interface Outcome {
  readonly scenario: string;
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly counts: Counts;
  /** Whatever else a reader must know, one sentence each. */
  readonly notes: readonly string[];
}

/** Above this share of a core the generator, not the server, may set the pace. */
export const busyBound = 0.9;

/** Above this share of a core other processes spoil the figures. */
const othersBound = 0.2;
const othersName = 'others busy %';

export function figure(name: string, value: number | undefined, digits: number): Figure {
  return { name, value, digits, compared: true };
}

/** A rate that the generator may have held back. */
export function rate(name: string, count: number, stretch: Stretch): Figure {
  const plain = figure(name, count / stretch.seconds, 0);
  return stretch.generatorBusy > busyBound ? { ...plain, bound: '>=' } : plain;
}

export function latencies(prefix: string, histogram: Histogram, stretch: Stretch): readonly Figure[] {
  return [0.5, 0.99].map((share) => {
    const plain = figure(`${prefix} p${share * 100} ms`, histogram.quantile(share), 2);
    return stretch.generatorBusy > busyBound ? { ...plain, bound: '<=' } : plain;
  });
}

/** Server CPU per thing done, in microseconds, and how busy the server, the generator and the rest of the machine were. */
export function cpu(per: string, count: number, stretch: Stretch): readonly Figure[] {
  const { serverCpu, seconds, generatorBusy, othersBusy } = stretch;
  const known = serverCpu !== undefined && count > 0;
  return [
    figure(`server CPU us/${per}`, known ? (serverCpu * 1e6) / count : undefined, 3),
    { ...figure('server busy %', known ? (serverCpu * 100) / seconds : undefined, 0), compared: false },
    { ...figure('generator busy %', generatorBusy * 100, 0), compared: false },
    {
      ...figure(othersName, othersBusy === undefined ? undefined : othersBusy * 100, 0),
      compared: false,
    },
  ];
}

/** What a reader of the figures must know beside them. */
export function notes(stretch: Stretch, closeReason: string | undefined): readonly string[] {
  const told: string[] = [];
  if (closeReason !== undefined) told.push(`Connections ended early: ${closeReason}.`);
  if (stretch.othersBusy !== undefined && stretch.othersBusy > othersBound) {
    told.push(
      'Other processes used more than a fifth of a core meanwhile: measure again on a quiet machine.',
    );
  }
  return told;
}

/** How much of a core other processes used meanwhile; 0 where that is not known. */
export function disturbance(outcome: Outcome): number {
  return (outcome.figures.find(({ name }) => name === othersName)?.value ?? 0) / 100;
}

/** True when other processes spoiled the figures. */
export function disturbed(outcome: Outcome): boolean {
  return disturbance(outcome) > othersBound;
}

/** True when every publication arrived once, in order, and nothing else did. */
export function clean(counts: Counts): boolean {
  return counts.missing + counts.duplicate + counts.outOfOrder + counts.unexpected === 0;
}
