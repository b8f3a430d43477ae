import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openDataDir } from './takeover.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-takeover-'));
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const other = 4_111_222;

/** Opens a folder that is in use once, and whose last owner wrote this; whom that one is told to be, and who got a signal. */
async function takeOver(written: string): Promise<{ told: number | undefined; signalled: unknown[][] }> {
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
  writeFileSync(join(folder, 'carillon.pid'), written);
  let [told, attempts]: [number | undefined, number] = [undefined, 0];
  const waiting = (pid: number | undefined): void => {
    told = pid;
  };
  await openDataDir(folder, { waiting }, async () => {
    attempts += 1;
    if (attempts === 1) throw Object.assign(new Error('in use'), { isInUse: true });
  });
  return { told, signalled: kill.mock.calls };
}

test('a server of this machine is asked to end, and the next is asked by what this one writes', async () => {
  expect(await takeOver(`${other}\n${hostname()}\n`)).toEqual({
    told: other,
    signalled: [[other, 'SIGTERM']],
  });
  expect(readFileSync(join(folder, 'carillon.pid'), 'utf8')).toBe(`${process.pid}\n${hostname()}\n`);
});

test.each([
  ['of another machine or container', `${other}\nelsewhere.example\n`],
  ['that is this very process', `${process.pid}\n${hostname()}\n`],
  ['of the first process', `1\n${hostname()}\n`],
  ['of a process group', `-${other}\n${hostname()}\n`],
  ['without a machine', `${other}\n`],
  ['that is none', 'soon\n'],
])('a number %s gets no signal: the folder is waited for', async (_, written) => {
  expect(await takeOver(written)).toEqual({ told: undefined, signalled: [] });
});
