/** The workers of one server as each of them sees all: what one is asked about all clients, it has every worker do for its own. */
import { noSession } from '../core/addressee.ts';
import { type Calls, methodsThat, type Remote } from '../link/calls.ts';
import type { Everywhere, RelayVerbs } from './relay.ts';
import { workerOf } from './session-ids.ts';

export class Peers {
  /** Which worker this is. */
  readonly id: number;
  readonly #relay: Remote<RelayVerbs>;

  constructor(id: number, calls: Calls) {
    this.id = id;
    this.#relay = calls.remote<RelayVerbs>('relay');
  }

  /**
   * What all workers offer under this name, this one too. A worker that ends meanwhile has nothing to answer. Rejects with what
   * the first of them refuses, when all have answered; 108 where one is late.
   */
  everywhere<Target>(name: string): Everywhere<Target> {
    return methodsThat((method, args) => this.#relay.everywhere(name, method, args)) as Everywhere<Target>;
  }

  /**
   * What the worker that has this session offers under the name. Its methods reject with 108 (404) where no worker has it, and with
   * 108 where it is late; `isHeld`: it may take its time, and whoever asks limits that.
   */
  at<Target>(session: string, name: string, { isHeld = false } = {}): Remote<Target> {
    const worker = workerOf(session);
    return methodsThat(async (method, args) => {
      if (worker === undefined) throw noSession(session);
      const answer = await this.#relay.at(worker, name, method, args, isHeld);
      if (answer === undefined) throw noSession(session);
      return answer.result;
    }) as Remote<Target>;
  }
}
