/** The sessions of this process that an acknowledgement is told to. */
import type { AckListener, AckNews } from './acknowledging.ts';
import { type Addressee, takesEvents } from './addressee.ts';
import type { Inbox } from './inbox.ts';
import type { Registry } from './registry.ts';

export class InboxSessions implements AckListener {
  readonly #registry: Pick<Registry<Addressee>, 'user'>;

  constructor(registry: Pick<Registry<Addressee>, 'user'>) {
    this.#registry = registry;
  }

  acknowledged({ channel, user }: Pick<Inbox, 'channel' | 'user'>, news: AckNews, by?: string): void {
    const { device, offset, unread } = news;
    const rest = JSON.stringify({ type: 'ack', device, offset, unread }).slice(1);
    for (const session of this.#registry.user(user)) {
      if (session.id === by || !takesEvents(session)) continue;
      const { label, state = 'joining' } = session.subscription(channel) ?? {};
      if (state === 'joining' || state === 'confirmed') continue;
      session.send(`{"event":${JSON.stringify(label)},${rest}`);
    }
  }
}
