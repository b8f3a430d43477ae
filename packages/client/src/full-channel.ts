/** A channel that can be read as a loop. */
import { Channel as PlainChannel } from './channel.ts';
import type { Emitter, Off } from './emitter.ts';
import { CarillonError, type Reason } from './errors.ts';
import type { ChannelEvents, Message } from './events.ts';
import { type Intake, iterate } from './iteration.ts';
import type { Link } from './link.ts';
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
