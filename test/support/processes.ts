/** The processes of a server, as the system has them. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** What /proc says of a process, behind its name: its state and its parent; undefined where there is none. */
function statOf(pid: number): { readonly state: string; readonly parent: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent = ''] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/** A process that has ended and that nobody has asked about yet does not live. */
export function lives(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X';
}

/** The living children of a process. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((other) => Number.isInteger(other) && statOf(other)?.parent === pid && lives(other))
    .sort((one, other) => one - other);
}

/** Resolves when none of them lives any more, or after 20 s with those that still do. */
export async function gone(pids: Iterable<number>): Promise<number[]> {
  let left = [...pids].filter(lives);
  for (let attempt = 0; attempt < 400 && left.length > 0; attempt++) {
    await sleep(50);
    left = left.filter(lives);
  }
  return left;
}
