/**
 * Runs the gates that a change must pass, one line each: `npm run check`, or some of them: `npm run check -- lint types`.
 * With CARILLON_CHECK_SKIP_TESTS=1 the tests are left to `npm test`. Ends with 1 when any gate fails.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { clientSize } from './gates/client-size.ts';
import { packageContents } from './gates/package-contents.ts';

const root = fileURLToPath(new URL('../', import.meta.url));

/** What a gate says: undefined when all is well, else what is wrong. */
type Verdict = string | undefined;

const gates: ReadonlyMap<string, () => Promise<Verdict>> = new Map([
  ['lint', () => run('biome', ['ci', '--colors=off', '--diagnostic-level=error', '.'])],
  ['types', () => run('tsc', ['-b', '--pretty', 'false'])],
  ['architecture', () => run('vitest', ['run', 'test/architecture'])],
  ['tests', () => run('vitest', ['run'], 'inherit')],
  ['docs', () => run('node', ['--conditions=carillon-source', 'scripts/generate.ts', '--check'])],
  ['client-size', clientSize],
  ['packages', async () => (await run('node', ['scripts/build.ts'])) ?? (await packageContents())],
]);

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !gates.has(name));
if (unknown.length > 0) {
  console.error(`unknown gate: ${unknown.join(', ')}. There are: ${[...gates.keys()].join(', ')}`);
  process.exit(64);
}

const results: { readonly gate: string; readonly ok: boolean }[] = [];
for (const [gate, judge] of gates) {
  if (!chosen(gate)) continue;
  const started = performance.now();
  const fault = await judge().catch((error: unknown) => String(error));
  results.push({ gate, ok: fault === undefined });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${gate.padEnd(14, ' ')} ${fault === undefined ? 'ok' : 'FAILED'}  ${seconds} s`);
  if (fault !== undefined) console.log(indented(fault));
}

const failed = results.filter(({ ok }) => !ok).map(({ gate }) => gate);
mkdirSync(`${root}test-results`, { recursive: true });
writeFileSync(`${root}test-results/check.json`, JSON.stringify(results));
console.log(failed.length === 0 ? `All ${results.length} gates passed.` : `${failed.join(', ')} failed.`);
process.exitCode = failed.length === 0 ? 0 : 1;

/** All gates, or those that were named. */
function chosen(gate: string): boolean {
  if (asked.length > 0) return asked.includes(gate);
  return gate !== 'tests' || process.env['CARILLON_CHECK_SKIP_TESTS'] !== '1';
}

/** Runs one of the installed tools. What it prints is shown only when it fails, unless it runs long. */
function run(tool: string, args: readonly string[], output: 'inherit' | 'pipe' = 'pipe'): Promise<Verdict> {
  return new Promise((resolve) => {
    let printed = '';
    const child = spawn(`${root}node_modules/.bin/${tool}`, args, {
      cwd: root,
      stdio: ['ignore', output, output],
    });
    const take = (text: Buffer): void => {
      printed += text.toString();
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    child.on('error', (error) => resolve(`${tool} did not start: ${error.message}`));
    child.on('close', (code) =>
      resolve(code === 0 ? undefined : printed.trim() || `${tool} ended with ${code}`),
    );
  });
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}
