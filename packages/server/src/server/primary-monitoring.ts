/** What the primary has for monitors: whether publications come back, and how it stands with all processes. */
import type { LinkHost } from '../brokers/link/host.ts';
import type { Broker } from '../core/broker.ts';
import { Canary } from '../core/canary.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { Readiness } from '../workers/readiness.ts';
import { PrimaryFigures, type PrimaryFiguresParts } from './primary-figures.ts';
import type { Shared } from './shared.ts';

export interface PrimaryMonitoring {
  /** Stands between the broker and the links. */
  readonly sink: Canary;
  /** What workers ask for, and tell. */
  readonly shared: readonly Shared[];
}

export interface MonitoredParts extends Omit<PrimaryFiguresParts, 'supervisor'> {
  readonly broker: Broker;
  readonly host: LinkHost;
  /** How many workers there should be. */
  readonly count: number;
  /** Made later than this. */
  readonly supervisor: () => Pick<Supervisor, 'serving' | 'restarts'>;
}

/** The primary's own canary; workers count from 1. */
const primary = 0;

export function primaryMonitoring(parts: MonitoredParts): PrimaryMonitoring {
  const { broker, host, count, supervisor, clock } = parts;
  const sink = new Canary(broker, host, primary);
  const serving = (): Supervisor['serving'] => supervisor().serving;
  return {
    sink,
    shared: [new Readiness({ sing: sink.sing.bind(sink), count, serving, clock }), new PrimaryFigures(parts)],
  };
}
