/** The verdict as people read it. */
import type { Fault } from './check.ts';
import type { Size } from './plan.ts';
import type { Verdict } from './verdict.ts';

/** Faults beyond this are counted, not shown; `--json` has all. */
const shownFaults = 20;

export function formatVerdict(verdict: Verdict): string {
  const { acknowledged, repeated, received, told, readers, publishers, channels, workers, durable } = verdict;
  const processes = workers === 1 ? 'one process' : `${workers} workers`;
  const rows = [
    ['server', `${processes}, ${durable ? 'with a data directory' : 'memory only'}`],
    ['clients', `${readers} readers, ${publishers} publishers, ${channels} channels`],
    ['disturbances', disturbances(verdict)],
    ['acknowledged', `${number(acknowledged)}, of these ${number(repeated)} after being sent again`],
    ['received', `${number(received)}; losses told: ${number(told)}`],
  ];
  const table = rows.map(([name = '', text]) => `  ${name.padEnd(14)}${text}`);
  return `${[`Seed ${verdict.seed}, ${verdict.seconds} s`, ...table, ...judgement(verdict)].join('\n')}\n`;
}

/** The command that makes the same plan again. */
export function sameAgain({ seed, ...size }: Size & { readonly seed: number }): string {
  const { seconds, readers, publishers, channels, workers, durable } = size;
  const flags = `--seed ${seed} --seconds ${seconds} --readers ${readers} --publishers ${publishers} --channels ${channels} --workers ${workers}`;
  return `carillon chaos ${flags}${durable ? '' : ' --memory'}`;
}

function judgement(verdict: Verdict): string[] {
  const { ok, durable, faults, folder } = verdict;
  if (ok) {
    return durable
      ? ['Every acknowledged publication reached every reader once and in order, in one epoch.']
      : ['Every publication reached every reader once and in order, or the reader was told of the loss.'];
  }
  const rest = faults.length - shownFaults;
  return [
    `${faults.length} faults`,
    ...faults.slice(0, shownFaults).map(faultLine),
    ...(rest > 0 ? [`  and ${rest} more; --json has all.`] : []),
    `The same plan again: ${sameAgain(verdict)}`,
    ...(folder === undefined ? [] : [`The server's config and data are in ${folder}.`]),
  ];
}

function faultLine({ kind, who, channel, count, first }: Fault): string {
  const where = channel === undefined ? who : `${who} in ${channel}`;
  return `  ${kind.padEnd(10)}${where}: ${count > 1 ? `${number(count)}, the first ` : ''}${first}`;
}

function disturbances({ disturbances: done, cutConnections, workers }: Verdict): string {
  const { kill, restart, takeover, pause, cut, replacement } = done;
  const cuts = `${cut} cuts of ${number(cutConnections)} connections`;
  const whole = `${kill} kills, ${restart} restarts, ${takeover} takeovers, ${pause} pauses, ${cuts}`;
  if (workers === 1) return whole;
  const { 'worker kill': killed, 'worker pause': paused, 'kill of all': all } = done;
  return `${whole}; ${all} kills of all, ${killed} of workers, ${paused} pauses of workers, ${replacement} replacements`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}
