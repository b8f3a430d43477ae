/** How it stands with each worker, as the primary knows it: asked when somebody wants to know, and told of what must not get lost. */
import { limits } from '@carillon/protocol';
import type { Cancel, Clock } from '../core/clock.ts';
import { Patience } from '../core/patience.ts';
import type { Calls } from '../link/calls.ts';
import type { LinkedWorker } from './relay.ts';

/** What a worker offers under the name `report`. */
interface ReportVerbs<Report> {
  read(): Report | Promise<Report>;
}

/** What the primary offers under the name `reports`. */
interface ReportsVerbs<Report, Lasting> {
  begin(report: Report): void;
  tell(lasting: Lasting): void;
}

/** What is known of one worker. */
export interface Known<Report, Lasting> {
  readonly worker: number;
  /** Late: an earlier one. */
  readonly report: Report;
  /** May be newer. */
  readonly lasting: Lasting;
  readonly isLate: boolean;
}

interface Last<Report, Lasting> {
  report: Report;
  lasting: Lasting;
  readonly patience: Patience<Report>;
}

export interface ReportsOptions<Report, Lasting> {
  readonly clock: Clock;
  readonly lastingOf: (report: Report) => Lasting;
  /** A worker is gone; this is what it told last. */
  readonly gone: (lasting: Lasting) => void;
}

/** The primary's. */
export class Reports<Report, Lasting> {
  readonly #options: ReportsOptions<Report, Lasting>;
  readonly #last = new Map<number, Last<Report, Lasting>>();

  constructor(options: ReportsOptions<Report, Lasting>) {
    this.#options = options;
  }

  begun({ id, calls }: LinkedWorker): void {
    const { lastingOf, clock } = this.#options;
    const { read } = calls.remote<ReportVerbs<Report>>('report');
    const verbs: ReportsVerbs<Report, Lasting> = {
      begin: (report) => {
        const patience = new Patience(read, clock);
        this.#last.set(id, { report, lasting: lastingOf(report), patience });
      },
      tell: (lasting) => {
        const last = this.#last.get(id);
        if (last !== undefined) last.lasting = lasting;
      },
    };
    calls.offer<ReportsVerbs<Report, Lasting>>('reports', verbs, ['begin', 'tell']);
  }

  gone(worker: number): void {
    const last = this.#last.get(worker);
    if (!this.#last.delete(worker) || last === undefined) return;
    this.#options.gone(last.lasting);
  }

  /** All workers that serve or are about to, by their numbers. One that does not answer in time is late, and delays nobody. */
  async gather(): Promise<readonly Known<Report, Lasting>[]> {
    const found = await Promise.all([...this.#last].map(([worker, last]) => this.#ask(worker, last)));
    // Of one that ended meanwhile nothing is known but what it left.
    return found.filter(({ worker }) => this.#last.has(worker)).sort((a, b) => a.worker - b.worker);
  }

  async #ask(worker: number, last: Last<Report, Lasting>): Promise<Known<Report, Lasting>> {
    const answered = await last.patience.within(limits.reportAnswerMs).catch(() => undefined);
    if (answered !== undefined) {
      last.report = answered.answer;
      last.lasting = this.#options.lastingOf(answered.answer);
    }
    const { report, lasting } = last;
    return { worker, report, lasting, isLate: answered === undefined };
  }
}

/** What a worker tells its primary of itself. */
export interface Reporting {
  /** Tells what must not get lost, now. */
  tell(): void;
  /** Tells it for the last time. */
  end(): void;
}

/** The worker's: call before it serves. */
export function startReporting<Report, Lasting>(
  calls: Calls,
  clock: Clock,
  { read, lasting }: { readonly read: () => Report | Promise<Report>; readonly lasting: () => Lasting },
  first: Report,
): Reporting {
  const primary = calls.told<ReportsVerbs<Report, Lasting>>('reports');
  calls.offer<ReportVerbs<Report>>('report', { read }, ['read']);
  primary.begin(first);
  let cancel: Cancel;
  const tell = (): void => primary.tell(lasting());
  const again = (): void => {
    tell();
    cancel = clock.after(limits.reportMs, again);
  };
  cancel = clock.after(limits.reportMs, again);
  return {
    tell,
    end: () => {
      cancel();
      tell();
    },
  };
}
