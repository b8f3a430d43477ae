/** How parts of the node have a say in a client's subscribe: where it begins, and what its reply tells on top. */
import type { Fields } from './command.ts';
import type { Joined, SubscribeRequest } from './recovery.ts';
import type { Rule } from './rules.ts';
import type { Session } from './session.ts';

/** A `subscribe` of the native protocol that rule and hook have admitted. */
export interface Subscribing {
  readonly session: Session;
  /** The channel's. */
  readonly rule: Rule;
  /** The whole command. */
  readonly fields: Fields;
}

/**
 * Hands the request on to `next`, as it is or changed, and gives back what comes of it; members that it adds to `result`
 * stand in the reply. Called in the turn of the command, or of the hook's answer; `next` may be called later.
 */
export type SubscribeStep = (
  request: SubscribeRequest,
  asked: Subscribing,
  next: (request: SubscribeRequest) => Promise<Joined>,
) => Promise<Joined>;
