/** Reaching clients of all workers: each worker reaches its own, and the counts are added up. */
import type { Disconnect } from '@carillon/protocol';
import type { SendRequest, Target } from '../core/addressing.ts';
import type { Exclusion } from '../core/broker.ts';
import type { ReachVerbs } from '../core/reach.ts';
import type { Remote } from '../link/calls.ts';
import type { Peers } from './peers.ts';
import { workerOf } from './session-ids.ts';
import { ifThere, sum } from './spread.ts';

type Verbs = ReachVerbs['addressing'];

/** The name under which workers offer theirs. */
export const addressingName = 'addressing';

export class SpreadAddressing implements Verbs {
  readonly #peers: Peers;

  constructor(peers: Peers) {
    this.#peers = peers;
  }

  send(to: Target, request: SendRequest): Promise<number> {
    if ('sessions' in to)
      return this.#named(to.sessions, (there, sessions) => there.send({ sessions }, request));
    return this.#peers.everywhere<Verbs>(addressingName).send(to, request).then(sum);
  }

  disconnect(to: Target, reason?: Disconnect, exclude?: Exclusion): Promise<number> {
    if ('sessions' in to)
      return this.#named(to.sessions, (there, sessions) => there.disconnect({ sessions }, reason, exclude));
    return this.#peers.everywhere<Verbs>(addressingName).disconnect(to, reason, exclude).then(sum);
  }

  /** Asks only those that made the names. A name that no worker made, or that of one which is gone, is nobody's. */
  async #named(
    ids: readonly string[],
    ask: (there: Remote<Verbs>, sessions: readonly string[]) => Promise<number>,
  ): Promise<number> {
    const byWorker = Map.groupBy(ids, workerOf);
    byWorker.delete(undefined);
    const asked = [...byWorker.values()].map((sessions) =>
      ifThere(ask(this.#peers.at<Verbs>(sessions[0] ?? '', addressingName), sessions), 0),
    );
    return sum(await Promise.all(asked));
  }
}
