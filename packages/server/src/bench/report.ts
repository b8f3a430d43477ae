/** Outcomes as text: one column a server, and a ratio where two stand side by side. */
import type { Counts } from './checker.ts';
import type { Figure, Outcome } from './outcome.ts';

/** A figure as it is printed: thousands apart, its bound before it, `-` where it is unknown. */
export function formatFigure(figure: Figure | undefined): string {
  if (figure?.value === undefined) return '-';
  const number = figure.value.toLocaleString('en', {
    minimumFractionDigits: figure.digits,
    maximumFractionDigits: figure.digits,
  });
  return figure.bound === undefined ? number : `${figure.bound} ${number}`;
}

export function formatCounts(counts: Counts): string {
  return `${counts.missing} / ${counts.duplicate} / ${counts.outOfOrder} / ${counts.unexpected}`;
}

export const countsLabel = 'missing / duplicate / out of order / unexpected';

/** Rows with their columns lined up: the first to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) => {
      const cells = row.map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      );
      return `  ${cells.join('   ')}\n`;
    })
    .join('');
}

/** One server's outcome with its title. */
export function formatOutcome(outcome: Outcome): string {
  const rows = outcome.figures.map((figure) => [figure.name, formatFigure(figure)]);
  rows.push([countsLabel, formatCounts(outcome.counts)]);
  const notes = outcome.notes.map((note) => `  ${note}\n`).join('');
  return `${outcome.title}\n${table(rows)}${notes}`;
}
