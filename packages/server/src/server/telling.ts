/** What a server tells of itself, to Prometheus and by the method `info`: one process of itself, a worker of all of them. */
import { limits } from '@carillon/protocol';
import type { Clock } from '../core/clock.ts';
import { refuse } from '../core/errors.ts';
import { inTime } from '../core/in-time.ts';
import type { MetricsText } from '../http/probes.ts';
import type { RedisIngestFigures } from '../ingest/redis/ingest.ts';
import { type Figures, Metrics } from '../telemetry/metrics.ts';
import { ProcessMetrics } from '../telemetry/process-metrics.ts';
import { linkedIngest } from '../workers/ingest.ts';
import { startReporting } from '../workers/reports.ts';
import { counted, countsOf, type MeasuredParts, measured, serverInfo, usage } from './figures.ts';
import type { WorkerHome } from './home.ts';
import type { Lasting, ServerVerbs, WorkerReport } from './primary-figures.ts';
import type { Reloads } from './reloads.ts';

export interface TellingParts extends MeasuredParts {
  /** How the config was loaded; nobody asks a worker, because it is the primary that loads it. */
  readonly reloads: Pick<Reloads, 'figures'>;
  readonly startedAt: number;
  readonly clock: Clock;
}

export interface Telling {
  /** What `info` says, but for the config. */
  info(): Promise<object>;
  readonly metrics: MetricsText;
  /** The process is about to end, and everybody has left. */
  end(): void;
}

export function tellingOf(parts: TellingParts, home: WorkerHome | undefined): Telling {
  return home === undefined ? ownTelling(parts) : workerTelling(parts, home);
}

/** The only process is worker 0. */
const onlyWorker = 0;

function ownTelling(parts: TellingParts): Telling {
  const { ingest, hooks, reloads, startedAt, clock } = parts;
  const figures = (): Figures => {
    const found = measured(parts);
    const worker = { worker: onlyWorker, connections: countsOf(found).connections, ...usage() };
    return {
      ...found,
      processes: { workers: [worker], restarts: 0 },
      ...(reloads.figures !== undefined && { config: reloads.figures() }),
    };
  };
  return {
    info: async () => {
      const totals = countsOf(measured(parts));
      const workers = [{ id: onlyWorker, pid: process.pid, ...totals, ...usage() }];
      return {
        ...serverInfo(clock.now() - startedAt, { workers, totals }),
        ...(ingest !== undefined && { ingest: { redis: ingest.info() } }),
        ...hooksInfo(hooks),
      };
    },
    metrics: new Metrics(figures),
    end: () => {},
  };
}

function workerTelling(parts: TellingParts, { calls }: WorkerHome): Telling {
  const { hooks, clock } = parts;
  const own = new ProcessMetrics();
  const report = (process: WorkerReport['process']): WorkerReport => ({
    pid: globalThis.process.pid,
    figures: measured(parts),
    ...usage(),
    process,
  });
  const lasting = (): Lasting => counted(parts);
  // The process first: figures are those of the moment in which they leave.
  const read = async (): Promise<WorkerReport> => report(await own.read());
  const reporting = startReporting(calls, clock, { read, lasting }, report([]));
  const server = calls.remote<ServerVerbs>('server');
  const ingest = linkedIngest<RedisIngestFigures>(calls);
  const scraped = async (): Promise<string> => {
    const [{ figures, processes }, sources] = await soon(
      Promise.all([server.scrape(), ingest.figures()]),
      clock,
    );
    const found = sources.size === 0 ? figures : { ...figures, ingest: sources };
    return new Metrics(() => found, { process: processes }).text();
  };
  return {
    info: async () => {
      const [info, sources] = await soon(Promise.all([server.info(), ingest.info()]), clock);
      return { ...info, ...(sources !== undefined && { ingest: sources }), ...hooksInfo(hooks) };
    },
    metrics: { contentType: Metrics.contentType, text: scraped },
    end: () => reporting.end(),
  };
}

function hooksInfo(hooks: MeasuredParts['hooks']): object {
  const found = hooks.info();
  return found === undefined ? {} : { hooks: found };
}

/** The primary answers soon, whatever its workers do. */
function soon<Answer>(asked: Promise<Answer>, clock: Clock): Promise<Answer> {
  const ms = limits.workerAnswerMs;
  return inTime(asked, ms, clock, () => refuse('notAvailable', `the primary did not answer within ${ms} ms`));
}
