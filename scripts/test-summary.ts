/**
 * Prints `N passed, N failed` alone on a line from what the test run and the gates left in test-results/. A test file
 * that could not be loaded, a gate that failed, and a report that is missing count as one failure each.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface TestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

const tests = read<TestReport>('tests.json');
const gates = read<readonly { readonly ok: boolean }[]>('check.json');

const unloaded = tests?.testResults.filter(
  ({ status, assertionResults }) =>
    status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
);
const failedGates = gates === undefined ? 1 : gates.filter(({ ok }) => !ok).length;
const failedTests = tests === undefined ? 1 : tests.numFailedTests + (unloaded?.length ?? 0);

console.log(`${tests?.numPassedTests ?? 0} passed, ${failedTests + failedGates} failed`);
process.exitCode = failedTests + failedGates === 0 ? 0 : 1;

function read<T>(name: string): T | undefined {
  try {
    const path = fileURLToPath(new URL(`../test-results/${name}`, import.meta.url));
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
