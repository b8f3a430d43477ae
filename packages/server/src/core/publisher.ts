/** What sessions and feeds need to publish; the node is one. */
import type { JsonText, PublishResult } from '@carillon/protocol';
import type { Identity } from './access.ts';

/** A client that publishes; without an `id` it has no session. */
export interface PublishingClient {
  readonly id?: string;
  readonly identity: Identity;
}

/** Where a publication comes from, so that the application's hook may judge it; but what a hook publishes itself, it is not asked about. */
export type PublishSource = PublishingClient | 'api' | 'ingest' | 'hook';

export interface Publisher {
  /** Without a `source` it is the server's own, and no hook is asked. */
  publish(
    channel: string,
    data: JsonText,
    request?: { readonly idempotencyKey?: string; readonly binary?: true },
    source?: PublishSource,
  ): Promise<PublishResult>;
}
