/** Where a server's time went: the functions of a V8 CPU profile by their own time. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { table } from '../packages/server/src/bench/report.ts';

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** The functions with the most own time in the newest profile of the folder, as shares of the time the process was busy. */
export function topFunctions(folder: string, count: number): string {
  const file = readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .toSorted()
    .at(-1);
  if (file === undefined) return `  No profile was written to ${folder}.\n`;
  const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile;
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  let busy = 0;
  profile.samples.forEach((id, index) => {
    const name = names.get(id) ?? '';
    const time = profile.timeDeltas[index] ?? 0;
    if (name.startsWith('(idle)')) return;
    busy += time;
    times.set(name, (times.get(name) ?? 0) + time);
  });
  const rows = [...times].toSorted(([, a], [, b]) => b - a).slice(0, count);
  const lines = rows.map(([name, time]) => [name, `${((time * 100) / busy).toFixed(1)} %`]);
  return `  Own time of functions while busy (${(busy / 1e6).toFixed(1)} s), from ${join(folder, file)}\n${table(lines)}`;
}

function nameOf(frame: CpuProfile['nodes'][number]['callFrame']): string {
  const place = frame.url.replace(/^.*\/(packages|node_modules|bench)\//, '$1/');
  const name = frame.functionName || '(anonymous)';
  return place === '' ? name : `${name}  ${place}:${frame.lineNumber + 1}`;
}
