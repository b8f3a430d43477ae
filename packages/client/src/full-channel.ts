/** A channel that can be read as a loop, and keeps the list of its members. */
import type { Member } from '@carillon/protocol';
import { Channel as PlainChannel } from './channel.ts';
import type { Emitter, Off } from './emitter.ts';
import { CarillonError, type Reason } from './errors.ts';
import type { ChannelEvents, Message } from './events.ts';
import { type Intake, iterate } from './iteration.ts';
import type { Link } from './link.ts';
import { watchMembers } from './members.ts';
import * as reasons from './reasons.ts';
import type { Subscription } from './subscription.ts';

/**
 * Made by {@link Carillon.channel}. `T` is what the application publishes there; nothing checks it at run time.
 *
 * The subscription has three states: `unsubscribed`, `subscribing`, `subscribed`. It comes back by itself after every cut,
 * with the publications that were missed; where some are gone for good, `gap` is told.
 */
export class Channel<T = unknown> extends PlainChannel<T> implements AsyncIterable<Message<T>> {
  readonly #link: Link;
  readonly #events: Emitter<ChannelEvents<T>>;

  /** @internal */
  constructor(name: string, link: Link, subscription: Subscription, events: Emitter<ChannelEvents<T>>) {
    super(name, link, subscription, events);
    this.#link = link;
    this.#events = events;
  }

  /**
   * Subscribes and reads message by message. The loop ends with `unsubscribe()` or `close()`, and throws a CarillonError where
   * the server ends the subscription or turns the client away, or where the loop falls 10,000 messages behind.
   * Leaving the loop does not unsubscribe.
   */
  [Symbol.asyncIterator](): AsyncGenerator<Message<T>, void, undefined> {
    return iterate((intake) => this.#fill(intake));
  }

  /**
   * Keeps the list of who is in the channel: `changed` hears it once there is one, and again whenever somebody comes or goes. It does not
   * subscribe, and lasts through every cut; the returned function ends it. Where the server has no such list, or does not
   * show it to this client, the client's `error` event says so. A channel with more than 1,000 members lists the first of them.
   */
  watchMembers(changed: (members: readonly Member[]) => void): Off {
    return watchMembers(this, changed, this.#link.report);
  }

  #fill({ push, end }: Intake<T>): Off {
    const endAt =
      (over: string, regular: Reason) =>
      ({ state, reason }: { readonly state: string; readonly reason: Reason }) => {
        if (state === over) end(reason.code === regular.code ? undefined : new CarillonError(reason));
      };
    const offs = [
      this.#events.on('message', (_, message) => push(message)),
      this.#events.on('state', endAt('unsubscribed', reasons.unsubscribeCalled)),
      this.#link.events.on('state', endAt('disconnected', reasons.closeCalled)),
    ];
    this.subscribe().catch(end);
    return () => {
      for (const off of offs) off();
    };
  }
}
