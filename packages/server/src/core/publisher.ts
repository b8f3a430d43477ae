/** What sessions and feeds need to publish; the node is one. */
import type { JsonText, PublishResult } from '@carillon/protocol';

export interface Publisher {
  publish(
    channel: string,
    data: JsonText,
    request?: { readonly idempotencyKey?: string; readonly binary?: true },
  ): Promise<PublishResult>;
}
