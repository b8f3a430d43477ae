/** The shapes of the methods about inboxes. */
import { limits } from '@carillon/protocol';
import { z } from 'zod';
import type { InboxName } from '../../core/inbox.ts';
import { historyResult } from './results.ts';
import { channel, historyParams, publishParams, strict, text, wholeNumber } from './schemas.ts';
import { user } from './user.ts';

const named = {
  user: user.optional().meta({
    description:
      "The inbox's owner, enough where one rule alone is an inbox. A whole number counts as its decimal text.",
  }),
  channel: channel.optional().meta({ description: 'The inbox by its channel, instead of `user`.' }),
};

const device = text(
  limits.nameBytes,
  "A device's name, as it says it in `auth` or `?device=`. One that says none is `default`.",
);

const offset = wholeNumber(0, Number.MAX_SAFE_INTEGER).meta({
  description: 'Everything up to there is acknowledged. A cursor never moves back.',
});

const epoch = text(limits.nameBytes, 'The epoch of the offset; absent: that of the channel, whatever it is.');

interface NameFields {
  readonly user?: string | undefined;
  readonly channel?: string | undefined;
}

function checkName({ user: owner, channel: name }: NameFields, context: z.RefinementCtx): void {
  if ((owner === undefined) === (name === undefined))
    context.addIssue({ code: 'custom', message: "must have either 'user' or 'channel'" });
}

/** Of fields that were found good. */
export function nameOf({ user: owner = '', channel: name }: NameFields): InboxName {
  return name === undefined ? { user: owner } : { channel: name };
}

const { data, tags, exclude, idempotency_key } = publishParams.shape;
const { since, limit, reverse } = historyParams.shape;

export const pushParams = strict({ ...named, data, tags, exclude, idempotency_key }).superRefine(checkName);

export const listParams = strict({
  ...named,
  device: device.optional().meta({ description: 'Whose cursor counts.', default: 'default' }),
  since,
  limit,
  reverse,
  unread: z
    .boolean({ error: 'must be true or false' })
    .optional()
    .meta({ description: 'Only what the device has not acknowledged.', default: false }),
}).superRefine(checkName);

export const unreadParams = strict(named).superRefine(checkName);

export const markParams = strict({
  ...named,
  device: device.optional().meta({ description: 'Whose cursor moves.', default: 'default' }),
  all: z
    .literal(true, { error: 'must be true' })
    .optional()
    .meta({ description: 'The cursors of all devices move, instead of that of one.' }),
  offset,
  epoch: epoch.optional(),
}).superRefine((params, context) => {
  checkName(params, context);
  if (params.device !== undefined && params.all !== undefined)
    context.addIssue({ code: 'custom', message: "must not have both 'device' and 'all'" });
});

export const forgetParams = strict({ ...named, device }).superRefine(checkName);

const badge = z.int().meta({ description: 'Publications that no device of the user has acknowledged.' });
const position = historyResult.shape;

export const pushResult = z.strictObject({
  offset: z.int().meta({ description: "Its place in the channel's stream." }),
  epoch: position.epoch,
  unread: badge,
});

export const listResult = historyResult.extend({
  acknowledged: z.int().meta({ description: "The device's cursor; 0 where it has acknowledged nothing." }),
  unread: z.int().meta({ description: 'Publications that this device has not acknowledged.' }),
});

export const unreadResult = z.strictObject({
  unread: badge,
  offset: position.offset,
  epoch: position.epoch,
  devices: z
    .array(
      z.strictObject({
        device: z.string().meta({ description: "The device's name." }),
        offset: z.int().meta({ description: 'Its cursor; 0 where it has acknowledged nothing.' }),
        unread: z.int().meta({ description: 'Publications that it has not acknowledged.' }),
        seenAt: z.string().meta({ description: 'When it subscribed or acknowledged last, ISO 8601 in UTC.' }),
      }),
    )
    .meta({ description: 'The one that was here last comes last.' }),
});

export const markResult = z.strictObject({ unread: badge });
