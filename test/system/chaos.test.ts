/** `carillon chaos` with the real binary: whatever happens to the server, nothing is lost, repeated or reordered untold. */
import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runCarillon } from '../support/carillon.ts';

interface Verdict {
  readonly ok: boolean;
  readonly folder?: string;
  readonly faults: readonly unknown[];
  readonly [name: string]: unknown;
}

async function verdictOf(args: readonly string[]): Promise<Verdict & { readonly code: unknown }> {
  const { code, stdout, stderr } = await runCarillon(['chaos', ...args, '--json']);
  expect(stderr).toBe('');
  const verdict = JSON.parse(stdout) as Verdict;
  if (verdict.folder !== undefined) rmSync(verdict.folder, { recursive: true, force: true });
  return { ...verdict, code };
}

/** Two minutes of it where nobody waits for them. */
const isLong = process.env['CI'] === 'true';

describe('a server that is killed, paused, restarted and cut off', () => {
  test('REC12 with a data directory loses, repeats and reorders nothing that it acknowledged', async () => {
    const seconds = isLong ? '40' : '6';
    const verdict = await verdictOf(['--seed', '5', '--seconds', seconds, '--workers', '1']);
    expect(verdict).toMatchObject({ faults: [], ok: true, code: 0, told: 0, seed: 5, durable: true });
    expect(verdict['acknowledged']).toBeGreaterThan(20);
    // Every channel has a reader, most have several.
    expect(verdict['received']).toBeGreaterThan(Number(verdict['acknowledged']));
    expect(verdict['disturbances']).toMatchObject({ kill: expect.toSatisfy((count: number) => count > 0) });
  }, 240_000);

  test('REC7 without one tells every reader of every loss', async () => {
    const seconds = isLong ? '25' : '6';
    const verdict = await verdictOf(['--seed', '2', '--seconds', seconds, '--workers', '1', '--memory']);
    expect(verdict).toMatchObject({ faults: [], ok: true, code: 0, durable: false });
    expect(verdict['told']).toBeGreaterThan(0);
    expect(verdict['disturbances']).toMatchObject({ kill: expect.toSatisfy((count: number) => count > 0) });
  }, 180_000);
});

describe('a server whose workers are killed, paused and replaced, too', () => {
  test('REC12 with a data directory loses, repeats and reorders nothing that it acknowledged', async () => {
    const verdict = await verdictOf(['--seed', '11', '--seconds', isLong ? '55' : '8']);
    expect(verdict).toMatchObject({ faults: [], ok: true, code: 0, told: 0, workers: 2, durable: true });
    expect(verdict['acknowledged']).toBeGreaterThan(20);
  }, 240_000);

  test('REC7 without one tells every reader of every loss', async () => {
    const verdict = await verdictOf(['--seed', '12', '--seconds', isLong ? '30' : '8', '--memory']);
    expect(verdict).toMatchObject({ faults: [], ok: true, code: 0, workers: 2, durable: false });
  }, 180_000);
});

test('prints the command that makes the same plan again, and a verdict for people', async () => {
  const { code, stdout, stderr } = await runCarillon(
    'chaos --seed 3 --seconds 1 --readers 2 --channels 1 --workers 1'.split(' '),
  );
  expect(stderr).toBe(
    'carillon chaos --seed 3 --seconds 1 --readers 2 --publishers 4 --channels 1 --workers 1\n',
  );
  expect(stdout).toMatch(/^Seed 3, 1 s\n/);
  expect(stdout).toMatch(
    /\nEvery acknowledged publication reached every reader once and in order, in one epoch\.\n$/,
  );
  expect(code).toBe(0);
}, 180_000);

test.each([
  ['--seconds', '0', "'--seconds' must be from 1 to 3600, but is 0"],
  ['--readers', '201', "'--readers' must be from 1 to 200, but is 201"],
  ['--seed', 'x', "'--seed' must be a whole number, but is 'x'"],
])('refuses %s %s', async (flag, value, sentence) => {
  const { code, stderr } = await runCarillon(['chaos', flag, value]);
  expect([code, stderr]).toEqual([64, `carillon: ${sentence}\n`]);
});
