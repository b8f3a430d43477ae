/** How a request of the server API names whom it means: a target, a member, a user. */
import { limits } from '@carillon/protocol';
import { z } from 'zod';
import type { Target } from '../../core/addressing.ts';
import type { GroupMember } from '../../core/groups.ts';
import { parseWhere, WhereError } from '../../core/where.ts';
import { channel, list, strict, text } from './schemas.ts';
import { user } from './user.ts';

export const session = text(limits.nameBytes, 'The id of a session.');
export const group = text(limits.nameBytes, "A group's name.");

const where = text(
  limits.whereBytes,
  "An expression over the sessions' tags: `vip & city=sh & !dev=ios`, with `&`, `|`, `!` and parentheses; names and values with other signs in double quotes.",
).transform((expression, context) => {
  try {
    return parseWhere(expression);
  } catch (error) {
    if (!(error instanceof WhereError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});

const ways = strict({
  all: z
    .literal(true, { error: 'must be true' })
    .optional()
    .meta({ description: 'Everybody who has logged in; where `auth.anonymous` admits, everybody.' }),
  session: session.optional(),
  sessions: list(session, 1, limits.addressees)
    .optional()
    .meta({ description: 'The ids of sessions; those that ended are passed over.' }),
  user: user.optional(),
  users: list(user, 1, limits.addressees)
    .optional()
    .meta({ description: 'Users, with all sessions that they have now.' }),
  group: group.optional(),
  groups: list(group, 1, limits.addressees)
    .optional()
    .meta({ description: 'The names of groups; one that does not exist reaches nobody.' }),
  channel: channel.optional().meta({ description: 'Those who are subscribed to it.' }),
  where: where.optional(),
});

/** Exactly one of the ways. */
export const target = ways
  .transform((to, context): Target => {
    if (Object.keys(to).length !== 1) {
      context.addIssue({
        code: 'custom',
        message:
          "must have exactly one of 'all', 'session', 'sessions', 'user', 'users', 'group', 'groups', 'channel' and 'where'",
      });
      return z.NEVER;
    }
    return targetOf(to);
  })
  .meta({ description: 'Whom it is for: exactly one of these.' });

function targetOf(to: z.output<typeof ways>): Target {
  if (to.where !== undefined) return { where: to.where };
  if (to.channel !== undefined) return { channel: to.channel };
  const sessions = to.sessions ?? one(to.session);
  if (sessions !== undefined) return { sessions };
  const users = to.users ?? one(to.user);
  if (users !== undefined) return { users };
  const groups = to.groups ?? one(to.group);
  return groups === undefined ? { all: true } : { groups };
}

function one(name: string | undefined): readonly string[] | undefined {
  return name === undefined ? undefined : [name];
}

/** What two fields of a request become. */
export interface MemberFields {
  readonly session?: string | undefined;
  readonly user?: string | undefined;
}

/** For schemas that have both fields and want exactly one. */
export function checkMember({ session: id, user: name }: MemberFields, context: z.RefinementCtx): void {
  if ((id === undefined) === (name === undefined)) {
    context.addIssue({ code: 'custom', message: "must have either 'session' or 'user'" });
  }
}

/** Of fields that {@link checkMember} passed. */
export function memberOf({ session: id, user: name }: MemberFields): GroupMember {
  return name === undefined ? { session: id ?? '' } : { user: name };
}

export type Given<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

/** Without the fields that are undefined. */
export function given<Fields extends object>(fields: Fields): Given<Fields> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Given<Fields>;
}
