/** The methods of the server API with which users and single tokens are shut out. */
import { limits } from '@carillon/protocol';
import { z } from 'zod';
import type { BlockSubject } from '../../core/blocks.ts';
import { type ApiMethod, defineMethod } from './method.ts';
import { annConnects } from './method-docs.ts';
import { cursor, page, reason, sessionsReached, total } from './people-schemas.ts';
import { nothing } from './results.ts';
import { strict, text, wholeNumber } from './schemas.ts';
import { given } from './target.ts';
import { user } from './user.ts';

const subject = {
  user: user.optional(),
  jti: text(limits.nameBytes, 'The claim `jti` of one token.').optional(),
};

interface SubjectFields {
  readonly user?: string | undefined;
  readonly jti?: string | undefined;
}

function checkSubject({ user: name, jti }: SubjectFields, context: z.RefinementCtx): void {
  if ((name === undefined) === (jti === undefined))
    context.addIssue({ code: 'custom', message: "must have either 'user' or 'jti'" });
}

/** Of fields that {@link checkSubject} passed. */
function subjectOf({ user: name, jti }: SubjectFields): BlockSubject {
  return name === undefined ? { jti: jti ?? '' } : { user: name };
}

const blockParams = strict({
  ...subject,
  expires: wholeNumber(1, limits.longestBlockMs / 1_000)
    .optional()
    .meta({ description: 'Seconds from now.', default: limits.blockMs / 1_000 }),
  reason: reason.optional().meta({
    description: `What the client is told. At most ${limits.closeReasonBytes} bytes of UTF-8.`,
  }),
}).superRefine(checkSubject);

const unblockParams = strict(subject).superRefine(checkSubject);
const blockedParams = strict(page);

const blockedResult = z.strictObject({
  blocked: z
    .array(
      z.strictObject({
        user: z.string().optional().meta({ description: 'Either this,' }),
        jti: z.string().optional().meta({ description: 'or this: what is blocked.' }),
        expires: z.int().meta({ description: 'Seconds that are left.' }),
        reason: z.string().optional().meta({ description: 'What clients are told.' }),
      }),
    )
    .meta({ description: 'In the order of blocking.' }),
  total,
  cursor,
});

const block = defineMethod({
  name: 'block',
  summary:
    'Shuts out a user, or one token, until a time: its sessions end at once (3500), and no token gets it in again.',
  docs: {
    theme: 'access',
    description:
      "Open connections of the user, or those that this token opened, are closed with 3500, feeds among them. Until the time is over every token of the user, or the one token, is refused with 101, wherever it is shown: in a handshake, `auth`, `refresh`, `/sub`, a poll, `/pub`, for one channel; and `bind` refuses the user. The server API is not affected: it may still publish into the user's channels.\n\nA second `block` takes the place of the first. Without a token id in its tokens (the claim `jti`) only the user as a whole can be blocked. With a data directory (`dataDir`) blocks outlive a restart; without one they are forgotten, so keep tokens short.",
    errors: [
      {
        error: 'limitExceeded',
        when: `There are ${limits.blocks.toLocaleString('en')} blocks already.`,
      },
    ],
    example: {
      before: [annConnects],
      params: { user: '1001', expires: 3600, reason: 'account suspended' },
      result: { sessions: 1 },
    },
  },
  params: blockParams,
  result: sessionsReached,
  async run({ expires, reason: why, ...params }, _raw, { reach }) {
    const request = given({ durationMs: expires && expires * 1_000, reason: why });
    return JSON.stringify({ sessions: await reach.revocation.block(subjectOf(params), request) });
  },
});

const unblock = defineMethod({
  name: 'unblock',
  summary: 'Lets a user, or a token, in again. One that is not blocked stays so.',
  docs: {
    theme: 'access',
    description:
      'From now on its tokens are good again. Connections that were ended stay ended; clients that were told not to come back have to be told otherwise, or try again by themselves.',
    errors: [],
    example: { params: { user: '1001' }, result: {} },
  },
  params: unblockParams,
  result: nothing,
  async run(params, _raw, { reach }) {
    await reach.revocation.unblock(subjectOf(params));
    return '{}';
  },
});

const blocked = defineMethod({
  name: 'blocked',
  summary: 'Lists who is blocked, in the order of blocking.',
  docs: {
    theme: 'access',
    description:
      'Users and tokens whose time is not over, in the order of blocking. `expires` counts whole seconds, rounded up. Page on with `cursor`.',
    errors: [],
    example: {
      before: [
        {
          says: 'Somebody is blocked:',
          call: 'block',
          params: { jti: 'session-4711', expires: 600, reason: 'logged out' },
        },
      ],
      params: {},
      result: {
        blocked: [{ jti: 'session-4711', expires: 600, reason: 'logged out' }],
        total: 1,
      },
    },
  },
  params: blockedParams,
  result: blockedResult,
  async run(params, _raw, { reach }) {
    return JSON.stringify(await reach.revocation.list(given(params)));
  },
});

export const blockMethods: readonly ApiMethod[] = [block, unblock, blocked];
