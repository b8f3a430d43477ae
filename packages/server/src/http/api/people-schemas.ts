/** The shapes of the methods about sessions, users, groups and tags. */
import { limits, utf8Length } from '@carillon/protocol';
import { z } from 'zod';
import { channel, data, exclude, list, tags as marks, strict, text, wholeNumber } from './schemas.ts';
import { checkMember, group, session, target } from './target.ts';
import { user } from './user.ts';

const event = text(
  limits.nameBytes,
  "The event's name for native clients. Not one of their channels, and without a `$` at its beginning.",
)
  .refine((name) => !name.startsWith('$'), { error: "must not begin with '$', which is reserved" })
  .meta({ default: 'message' });

export const reason = z
  .string({ error: 'must be a string' })
  .refine((text) => utf8Length(text) <= limits.closeReasonBytes, {
    error: `must not be longer than ${limits.closeReasonBytes} bytes of UTF-8`,
  })
  .meta({
    description: `What the close frame says. At most ${limits.closeReasonBytes} bytes of UTF-8.`,
    maxLength: limits.closeReasonBytes,
  });

const codeError = 'must be a whole number from 3000 to 4999';
const code = z.int({ error: codeError }).min(3_000, { error: codeError }).max(4_999, { error: codeError });

export const page = {
  limit: wholeNumber(0, limits.listedSessions).optional().meta({
    description: 'At most so many on this page; 0 for the total alone.',
    default: limits.listedSessions,
  }),
  cursor: text(limits.nameBytes, 'Where the page begins, as the one before told it.').optional(),
};

const member = { session: session.optional(), user: user.optional() };

/** Only that it is an object is checked: it is kept as it was written. */
const context = z
  .looseObject({}, { error: 'must be an object' })
  .meta({ description: `Kept with the session, as it was written. At most ${limits.contextBytes} bytes.` });

const tags = marks
  .refine((given) => Object.keys(given).length <= limits.tags, {
    error: `must not have more than ${limits.tags} tags`,
  })
  .meta({ description: 'Names and values: `{"vip":true,"city":"sh"}`.' });

const names = list(text(limits.nameBytes, "A tag's name."), 1, limits.tags);

export const sendParams = strict({ to: target, event: event.optional(), data, exclude: exclude.optional() });
export const disconnectParams = strict({
  to: target,
  code: code.optional().meta({
    description: 'The close code. 3000-3499 and 4000-4499 ask clients to come back, the others not to.',
    default: 3503,
  }),
  reason: reason.optional(),
  exclude: exclude.optional(),
});
export const subscribeParams = strict({ ...member, channel }).superRefine(checkMember);
export const sessionsParams = strict({ to: target.optional(), ...page });
export const sessionParams = strict({ session });
export const userParams = strict({ user });
export const groupMemberParams = strict({ group, ...member }).superRefine(checkMember);
export const groupParams = strict({ group });
export const groupsParams = strict(page);
export const bindParams = strict({ session, user });
export const unbindParams = strict({ session, user: user.optional() });
export const contextParams = strict({ session, context });
export const tagParams = strict({ ...member, tags }).superRefine(checkMember);
export const untagParams = strict({
  ...member,
  tags: z
    .union([names, tags], {
      error: `must be an array of 1 to ${limits.tags} tag names, or an object with these names`,
    })
    .meta({ description: "The tags' names; values are not looked at." }),
}).superRefine(checkMember);

const count = z.int().min(0);

export const sessionsReached = z.strictObject({
  sessions: count.meta({ description: 'How many sessions it reached.' }),
});

const sessionId = z.string().meta({ description: 'The id of the session.' });

const summary = {
  session: sessionId,
  user: z.string().optional().meta({ description: "Whose it is; absent while it is nobody's." }),
  info: z
    .unknown()
    .optional()
    .meta({ description: 'What the token says of the user; absent where it says nothing.' }),
  tags: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .meta({ description: 'Of the token, of its user and its own, as they are in force.' }),
  wire: z.string().meta({ description: 'How it is connected, for example `websocket/native`.' }),
};

export const total = count.meta({ description: 'Of all pages together.' });
export const cursor = z
  .string()
  .optional()
  .meta({ description: 'There when there is more: ask for the next page with it.' });

export const sessionsResult = z.strictObject({
  sessions: z.array(z.strictObject(summary)).meta({ description: 'The sessions of this page.' }),
  total,
  cursor,
});
export const sessionResult = z.strictObject({
  ...summary,
  groups: z.array(z.string()).meta({ description: 'Its own, and those of its user.' }),
  channels: z.array(z.string()).meta({ description: 'What it is subscribed to.' }),
});
export const userResult = z.strictObject({
  online: z.boolean().meta({ description: 'Whether the user has a session now.' }),
  sessions: z.array(z.string()).meta({ description: `Their ids, at most ${limits.listedSessions}.` }),
});

const counts = {
  members: count.meta({ description: 'Sessions and users that joined.' }),
  sessions: count.meta({ description: 'Sessions that are connected now.' }),
  users: count.meta({ description: 'Users of these sessions.' }),
};

const groupName = z.string().meta({ description: "The group's name." });
const userName = z.string().meta({ description: 'A user, online or not.' });

export const groupsResult = z.strictObject({
  groups: z
    .array(z.strictObject({ group: groupName, ...counts }))
    .meta({ description: 'The groups of this page.' }),
  total,
  cursor,
});
export const groupResult = z.strictObject({
  group: groupName,
  members: z
    .array(z.union([z.strictObject({ session: sessionId }), z.strictObject({ user: userName })]))
    .meta({ description: `As they joined, at most ${limits.listedSessions}.` }),
  counts: z
    .strictObject(counts)
    .meta({ description: 'How many there are, whole also where `members` is not.' }),
});
export const contextResult = z.strictObject({
  session: sessionId,
  context: z.looseObject({}).meta({ description: 'The whole object, as it is now.' }),
});
