/** Durations as people write them: a number and a unit, such as '250ms', '25s', '10m', '24h', '7d'. */

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const shape = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** Milliseconds of a duration text, a whole number; undefined when the text is no duration. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit] = shape.exec(text) ?? [];
  const factor = unitMs[unit ?? ''];
  if (amount === undefined || factor === undefined) return undefined;
  const ms = Math.round(Number(amount) * factor);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** The shortest text that {@link parseDuration} reads back as `ms`. */
export function formatDuration(ms: number): string {
  const fitting = Object.entries(unitMs).findLast(([, factor]) => ms >= factor && ms % factor === 0);
  const [unit, factor] = fitting ?? ['ms', 1];
  return `${ms / factor}${unit}`;
}
