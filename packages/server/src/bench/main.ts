/** What `carillon bench` does: runs scenarios against a server that is running already, and prints what it found. */
import { clean, type Outcome } from './outcome.ts';
import { silentProgress, standardProgress } from './progress.ts';
import { formatOutcome } from './report.ts';
import { runScenario, type ScenarioName, type Size, scenarioNames } from './scenarios.ts';
import { BenchError, findPid, parseTarget, type Target } from './target.ts';

export interface BenchOptions extends Size {
  /** `http://host:port`; a path other than `/` is that of the native protocol, else `/ws`. TLS is not supported. */
  readonly url: string;
  /** One of `scenarioNames`, several with commas between, or `all`; the default is `fanout`. */
  readonly scenario?: string | undefined;
  /** API key; needed for `directed` and for CPU and memory figures, unless the server is in development mode. */
  readonly key?: string | undefined;
  /** Token of every WebSocket; not needed where the rules admit anyone. */
  readonly token?: string | undefined;
  /** Channels begin with this; the default is `bench:`. Rules must let the WebSockets subscribe and publish there. */
  readonly prefix?: string | undefined;
  /** Outcomes as one JSON array on standard output, and no progress. */
  readonly json?: boolean | undefined;
}

/**
 * Resolves with an exit code: 0, 1 when anything was missing, doubled, out of order or unexpected, 64 for wrong usage,
 * 69 when the server cannot be reached or refuses. Results go to standard output, progress and faults to standard error.
 */
export async function runBench(options: BenchOptions): Promise<number> {
  try {
    const names = parseScenarios(options.scenario ?? 'fanout');
    const { key, token, prefix = 'bench:' } = options;
    const unmeasured = parseTarget(options.url, { key, token, prefix });
    const target: Target = { ...unmeasured, pid: await findPid(unmeasured) };
    const outcomes: Outcome[] = [];
    for (const name of names) {
      const progress = options.json ? silentProgress : standardProgress(name);
      const outcome = await runScenario(name, target, options, progress).finally(() => progress.done());
      outcomes.push(outcome);
      if (!options.json) process.stdout.write(`${formatOutcome(outcome)}\n`);
    }
    if (options.json) process.stdout.write(`${JSON.stringify(outcomes, undefined, 2)}\n`);
    return outcomes.every((outcome) => clean(outcome.counts)) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof BenchError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
}

/** Names with commas between, or `all`. Throws BenchError 64 for an unknown one. */
export function parseScenarios(text: string): readonly ScenarioName[] {
  if (text === 'all') return scenarioNames;
  return text.split(',').map((name) => {
    const known = scenarioNames.find((scenario) => scenario === name.trim());
    if (known !== undefined) return known;
    throw new BenchError(
      `There is no scenario ${JSON.stringify(name)}: take ${scenarioNames.join(', ')} or all.`,
      64,
    );
  });
}
