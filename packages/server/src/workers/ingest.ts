/** How it stands with the sources of publications that the primary listens to, as its workers tell it. */
import type { Calls, Remote } from '../link/calls.ts';
import type { LinkedWorker } from './relay.ts';

/** What the primary offers under the name `ingest`: figures by the name of the source; none, or undefined, where nothing is listened to. */
export interface IngestReport<Figures> {
  figures(): ReadonlyMap<string, Figures>;
  /** The same as `info` tells it. */
  info(): Readonly<Record<string, object>> | undefined;
}

const name = 'ingest';

/** For a worker. */
export function linkedIngest<Figures>(calls: Calls): Remote<IngestReport<Figures>> {
  return calls.remote<IngestReport<Figures>>(name);
}

/** For the primary. */
export function offerIngest<Figures>({ calls }: LinkedWorker, report: IngestReport<Figures>): void {
  calls.offer<IngestReport<Figures>>(name, report, ['figures', 'info']);
}
