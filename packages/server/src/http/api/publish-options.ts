/** What a request of the server API says of a publication besides its data. */
import type { PublishRequest } from '../../core/publishing.ts';
import type { PublishParams } from './schemas.ts';

export function publishOptions(params: Pick<PublishParams, 'exclude' | 'idempotency_key'>): PublishRequest {
  const { exclude, idempotency_key: idempotencyKey } = params;
  if (exclude === undefined && idempotencyKey === undefined) return noOptions;
  const { sessions, users } = exclude ?? {};
  return {
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(exclude === undefined
      ? {}
      : {
          exclude: {
            ...(sessions === undefined ? {} : { sessions }),
            ...(users === undefined ? {} : { users }),
          },
        }),
  };
}

const noOptions: PublishRequest = {};
