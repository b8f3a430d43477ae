/** What a run comes to. */
import { checkKept, checkLog, type Fault, type Terms } from './check.ts';
import type { Done } from './disturber.ts';
import type { ReaderLog } from './log.ts';
import type { Size } from './plan.ts';
import type { Truth } from './truth.ts';

/** What `--json` prints. */
export interface Verdict extends Size {
  /** Nothing was lost, repeated or reordered beyond what readers were told. */
  readonly ok: boolean;
  readonly seed: number;
  readonly disturbances: Done;
  /** Connections that were cut. */
  readonly cutConnections: number;
  /** Publications that were acknowledged, and how many of them after they had been sent more than once. */
  readonly acknowledged: number;
  readonly repeated: number;
  /** Publications that reached readers. */
  readonly received: number;
  /** Losses that readers were told of. */
  readonly told: number;
  readonly faults: readonly Fault[];
  /** Where the config and the data of a run with faults are. */
  readonly folder?: string;
}

export interface Findings {
  readonly truths: readonly Truth[];
  readonly logs: readonly ReaderLog[];
  /** What went wrong on the way. */
  readonly faults: readonly Fault[];
}

/** All faults: those that were met on the way, then the server's, then each reader's. */
export function judge({ truths, logs, faults }: Findings, terms: Terms): Fault[] {
  const byChannel = new Map(truths.map((truth) => [truth.channel, truth]));
  return [
    ...faults,
    ...truths.flatMap((truth) => checkKept(truth, terms)),
    ...logs.flatMap((log) => {
      const truth = byChannel.get(log.channel);
      return truth === undefined ? [] : checkLog(log, truth, terms);
    }),
  ];
}

export function countEntries(logs: readonly ReaderLog[], kind: 'message' | 'told'): number {
  return logs.reduce((sum, { entries }) => sum + entries.filter((entry) => entry.kind === kind).length, 0);
}
