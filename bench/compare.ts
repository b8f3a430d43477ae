/** Rounds of two contestants, one after the other in an order that turns, and the medians and ratios of what they show. */
import { addedCounts, type Counts, noCounts } from '../packages/server/src/bench/checker.ts';
import type { Figure, Outcome } from '../packages/server/src/bench/outcome.ts';
import { countsLabel, formatCounts, formatFigure, table } from '../packages/server/src/bench/report.ts';

/** All rounds of one scenario with one contestant: a server, or a way into one. */
export interface Series {
  readonly server: string;
  readonly figures: readonly Figure[];
  /** Added up over the rounds. */
  readonly counts: Counts;
  readonly notes: readonly string[];
}

export interface Ratio {
  readonly name: string;
  /** The first contestant's figure divided by the second's: Carillon's by the baseline's. */
  readonly value: number;
  /** `~`: both figures are bounds, so the true ratio may lie on either side. */
  readonly bound?: '>=' | '<=' | '~';
}

/** Who runs in this round: the order turns every round, so that drift of the machine harms both alike. */
export function orderOf<N extends string>(servers: readonly N[], round: number): readonly N[] {
  return round % 2 === 0 ? servers : servers.toReversed();
}

/** Medians of each figure over the rounds. A median is a bound when any of its rounds was. */
export function summarise(server: string, rounds: readonly Outcome[]): Series {
  const figures = (rounds[0]?.figures ?? []).map((first, index): Figure => {
    const all = rounds.flatMap((round) => round.figures[index] ?? []);
    const values = all.flatMap((figure) => figure.value ?? []).toSorted((a, b) => a - b);
    const bound = all.find((figure) => figure.bound !== undefined)?.bound;
    const { bound: _, ...plain } = first;
    const merged = { ...plain, value: median(values) };
    return bound === undefined ? merged : { ...merged, bound };
  });
  const counts = rounds.map((round) => round.counts).reduce(addedCounts, noCounts());
  return { server, figures, counts, notes: [...new Set(rounds.flatMap((round) => round.notes))] };
}

/** Carillon to baseline, for every figure that both have. */
export function ratios(carillon: Series, baseline: Series): readonly Ratio[] {
  return carillon.figures.flatMap((mine) => {
    const theirs = baseline.figures.find((figure) => figure.name === mine.name);
    if (!mine.compared || mine.value === undefined || !theirs?.value) return [];
    const ratio = { name: mine.name, value: mine.value / theirs.value };
    if (mine.bound !== undefined && theirs.bound !== undefined) return { ...ratio, bound: '~' };
    if (mine.bound !== undefined) return { ...ratio, bound: mine.bound };
    if (theirs.bound !== undefined) return { ...ratio, bound: theirs.bound === '>=' ? '<=' : '>=' };
    return ratio;
  });
}

export function formatComparison(title: string, series: readonly Series[]): string {
  const [first, second] = series;
  const quotients = first && second ? ratios(first, second) : [];
  const rows = [
    [
      '',
      ...series.map(({ server }) => (server === 'baseline' ? 'ws loop' : server)),
      quotients.length > 0 ? 'ratio' : '',
    ],
  ];
  for (const { name } of series[0]?.figures ?? []) {
    const cells = series.map(({ figures }) => formatFigure(figures.find((figure) => figure.name === name)));
    rows.push([name, ...cells, formatRatio(quotients.find((ratio) => ratio.name === name))]);
  }
  rows.push([countsLabel, ...series.map(({ counts }) => formatCounts(counts)), '']);
  const notes = series.flatMap(({ server, notes: told }) => told.map((note) => `  ${server}: ${note}\n`));
  return `${title}\n${table(rows)}${notes.join('')}`;
}

function formatRatio(ratio: Ratio | undefined): string {
  if (ratio === undefined) return '';
  const number = ratio.value.toFixed(ratio.value < 10 ? 2 : 1);
  return ratio.bound === undefined ? number : `${ratio.bound} ${number}`;
}

function median(sorted: readonly number[]): number | undefined {
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}
