/** The one desk at which rendezvous are drawn and led on, whichever worker is asked. */
import type { RendezvousDesk } from '../core/rendezvous.ts';
import type { Calls, Remote } from '../link/calls.ts';
import type { LinkedWorker } from './relay.ts';

const name = 'rendezvous';

/** For a worker: the primary's. */
export function linkedDesk(calls: Calls): Remote<RendezvousDesk> {
  return calls.remote<RendezvousDesk>(name);
}

/** For the primary. */
export function offerDesk({ calls }: LinkedWorker, desk: RendezvousDesk): void {
  calls.offer<RendezvousDesk>(name, desk, ['draw', 'scan', 'confirm', 'cancel', 'state', 'consume']);
}
