/** The desk of rendezvous, made of the settings: one for all workers, where there are several. */
import type { Settings } from '../config/settings.ts';
import { RendezvousDesk, type RendezvousOptions } from '../core/rendezvous.ts';
import { MemoryRendezvousStore } from '../core/rendezvous-store.ts';
import { randomId } from '../system/ids.ts';
import { linkedDesk, offerDesk } from '../workers/rendezvous.ts';
import type { WorkerHome } from './home.ts';
import type { Shared } from './shared.ts';

type DeskParts = Pick<RendezvousOptions, 'publisher' | 'clock' | 'log'>;

/** What a process asks that clients and backends connect to; undefined where rendezvous are off. */
export type AskedDesk = Pick<RendezvousDesk, 'draw' | 'scan' | 'confirm' | 'cancel' | 'state' | 'consume'>;

export function deskOf(settings: Settings, parts: DeskParts, home?: WorkerHome): AskedDesk | undefined {
  if (home === undefined || settings.rendezvous === undefined) return localDesk(settings, parts);
  return linkedDesk(home.calls);
}

/** The primary's. */
export function sharedDesk({ settings, ...parts }: DeskParts & { readonly settings: Settings }): Shared {
  const desk = localDesk(settings, parts);
  return {
    begun: (worker) => desk !== undefined && offerDesk(worker, desk),
    gone: () => {},
  };
}

function localDesk({ rendezvous }: Settings, parts: DeskParts): RendezvousDesk | undefined {
  if (rendezvous === undefined) return undefined;
  const { ttlMs, limits } = rendezvous;
  return new RendezvousDesk({ ...parts, store: new MemoryRendezvousStore(limits), newId: randomId, ttlMs });
}
