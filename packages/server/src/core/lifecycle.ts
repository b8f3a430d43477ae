/** What happens to clients and channels, told to whoever wants to know: hooks and webhooks. Nobody waits for them. */
import type { HookClient } from './hooks.ts';

/** Each kind of event and what it says. */
export interface LifecycleEvents {
  /** A session has begun. */
  readonly connect: HookClient & { readonly address: string };
  /** A session is over. `code` is the close code, absent where the client just went away. */
  readonly disconnect: HookClient & { readonly code?: number; readonly reason?: string };
  /** The channel has a first subscriber. */
  readonly channelOccupied: { readonly channel: string };
  /** Nobody has been subscribed for the time of grace. */
  readonly channelVacated: { readonly channel: string };
  /** The user has a first session. */
  readonly userOnline: { readonly user: string };
  /** The user has had no session for the time of grace. */
  readonly userOffline: { readonly user: string };
  /** Nobody has acknowledged a message of the user's inbox within the rule's time. */
  readonly inboxOverdue: {
    readonly user: string;
    readonly channel: string;
    /** Of the oldest message that is overdue. */
    readonly offset: number;
    readonly unread: number;
  };
}

export type LifecycleName = keyof LifecycleEvents;

const named: { readonly [Name in LifecycleName]: true } = {
  connect: true,
  disconnect: true,
  channelOccupied: true,
  channelVacated: true,
  userOnline: true,
  userOffline: true,
  inboxOverdue: true,
};
export const lifecycleNames = Object.keys(named) as readonly LifecycleName[];

/** Somebody who is told. Takes what it is given at once, within bounds of its own, and never throws. */
export interface LifecycleSink {
  wants(name: LifecycleName): boolean;
  tell<Name extends LifecycleName>(name: Name, event: LifecycleEvents[Name]): void;
}

/** Hands each event to those who want it. */
export class Lifecycle implements LifecycleSink {
  readonly #sinks: readonly LifecycleSink[];

  constructor(sinks: readonly LifecycleSink[]) {
    this.#sinks = sinks;
  }

  /** Whether an event of this kind need be made at all; the answer may change with a reload. */
  wants(name: LifecycleName): boolean {
    return this.#sinks.some((sink) => sink.wants(name));
  }

  tell<Name extends LifecycleName>(name: Name, event: LifecycleEvents[Name]): void {
    for (const sink of this.#sinks) if (sink.wants(name)) sink.tell(name, event);
  }
}
