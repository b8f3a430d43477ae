/** What a primary tells of its workers and itself. */
import type { Clock } from '../core/clock.ts';
import type { Counters } from '../core/figures.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { type Lasting, remains, together } from '../telemetry/merge.ts';
import type { Figures } from '../telemetry/metrics.ts';
import { ProcessMetrics, type ProcessReading } from '../telemetry/process-metrics.ts';
import type { LinkedWorker } from '../workers/relay.ts';
import { type Known, Reports } from '../workers/reports.ts';
import type { Listeners, SharedAttendance } from './attendance.ts';
import { countsOf, type ServerInfo, serverInfo, type Usage, usage, type WorkerInfo } from './figures.ts';
import type { Shared } from './shared.ts';

export type { Lasting } from '../telemetry/merge.ts';

/** What a worker says of itself when it is asked. */
export interface WorkerReport extends Usage {
  readonly pid: number;
  readonly figures: Figures;
  readonly process: ProcessReading['metrics'];
}

/** Everything that Prometheus is told. */
export interface Scrape {
  readonly figures: Figures;
  readonly processes: readonly ProcessReading[];
}

/** What a primary offers each worker under the name `server`. */
export interface ServerVerbs {
  info(): Promise<ServerInfo>;
  scrape(): Promise<Scrape>;
}

export interface PrimaryFiguresParts {
  /** Of what happens in the primary. */
  readonly counters: Counters;
  readonly listeners: Pick<Listeners, 'figures'>;
  /** Knows each user, channel and member once. */
  readonly attendance: Pick<SharedAttendance, 'figures'>;
  /** Counts each publication once. */
  readonly host: { readonly published: number };
  /** How the config was loaded. */
  readonly reloads: () => NonNullable<Figures['config']>;
  readonly supervisor: () => Pick<Supervisor, 'restarts'>;
  readonly clock: Clock;
}

export class PrimaryFigures implements Shared, ServerVerbs {
  readonly #parts: PrimaryFiguresParts;
  readonly #startedAt: number;
  readonly #process = new ProcessMetrics();
  readonly #reports: Reports<WorkerReport, Lasting>;
  /** Of workers that are gone, so that nothing that rises falls with them. */
  #remains: Figures = remains([]);

  constructor(parts: PrimaryFiguresParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
    this.#reports = new Reports<WorkerReport, Lasting>({
      clock: parts.clock,
      lastingOf: ({ figures: { counters, apiRequests, hooks } }) => ({
        counters,
        apiRequests,
        ...(hooks !== undefined && { hooks }),
      }),
      gone: (lasting) => {
        this.#remains = remains([this.#remains, lasting]);
      },
    });
  }

  begun(worker: LinkedWorker): void {
    this.#reports.begun(worker);
    worker.calls.offer<ServerVerbs>('server', this, ['info', 'scrape']);
  }

  gone(worker: number): void {
    this.#reports.gone(worker);
  }

  async info(): Promise<ServerInfo> {
    const { clock, supervisor } = this.#parts;
    const known = await this.#reports.gather();
    const { restarts } = supervisor();
    return serverInfo(clock.now() - this.#startedAt, {
      workers: known.map(infoOf),
      totals: countsOf(this.#merged(known)),
      primary: { pid: process.pid, ...usage(), restarts },
    });
  }

  async scrape(): Promise<Scrape> {
    const [known, own] = await Promise.all([this.#reports.gather(), this.#process.read()]);
    const workers = known.map(({ worker, report, isLate }) => ({
      worker: String(worker),
      metrics: isLate ? [] : report.process,
    }));
    return { figures: this.#merged(known), processes: [{ worker: 'primary', metrics: own }, ...workers] };
  }

  #merged(known: readonly Known<WorkerReport, Lasting>[]): Figures {
    const { listeners, attendance, host, counters, reloads, supervisor } = this.#parts;
    const own = { ...remains([{ counters, apiRequests: [] }]), webhooks: listeners.figures() };
    const all = together([this.#remains, own, ...known.map(figuresOf)]);
    return {
      ...all,
      ...attendance.figures(),
      counters: { ...all.counters, publications: host.published },
      config: reloads(),
      processes: {
        restarts: supervisor().restarts,
        workers: known.map(({ worker, report: { figures, cpuSeconds, memoryBytes } }) => ({
          worker,
          connections: countsOf(figures).connections,
          cpuSeconds,
          memoryBytes,
        })),
      },
    };
  }
}

function figuresOf({ report, lasting }: Known<WorkerReport, Lasting>): Figures {
  return { ...report.figures, ...lasting };
}

function infoOf(known: Known<WorkerReport, Lasting>): WorkerInfo {
  const { worker, report, isLate } = known;
  const { pid, cpuSeconds, memoryBytes } = report;
  const counts = countsOf(figuresOf(known));
  return { id: worker, pid, ...counts, cpuSeconds, memoryBytes, ...(isLate && { late: true }) };
}
