/** The methods of the server API about who is in a channel. */
import { limits } from '@carillon/protocol';
import { z } from 'zod';
import { presenceText } from '../../core/presence.ts';
import { type ApiMethod, defineMethod } from './method.ts';
import { annConnects, annsSession, type ClientStep, type Refusal } from './method-docs.ts';
import { channelParams } from './schemas.ts';

const noPresence: Refusal = {
  error: 'notAvailable',
  when: 'The channel has no presence, or no rule matches it. Set `presence: true` in its rule.',
};

const annSubscribes: ClientStep = {
  says: 'She subscribes:',
  client: 'ann',
  lines: ['> {"op":"subscribe","channel":"room:1"}', '< {"result":true}'],
};

const counts = {
  sessions: z.int().min(0).meta({ description: 'Sessions in the channel.' }),
  users: z.int().min(0).meta({ description: 'Users of these sessions; each counts once.' }),
};

const member = z.strictObject({
  session: z.string().meta({ description: 'Its id.' }),
  user: z.string().optional().meta({ description: 'Absent where nobody has logged in.' }),
  info: z.unknown().optional().meta({ description: 'As the token gave it.' }),
});

const presenceResult = z
  .strictObject({
    members: z.array(member).meta({
      description: `In the order of their coming, at most ${limits.listedMembers} of them and ${limits.presenceBytes} bytes.`,
    }),
    sessions: counts.sessions.optional(),
    users: counts.users.optional(),
  })
  .meta({ description: '`sessions` and `users` are there when `members` are not all.' });

const presence = defineMethod({
  name: 'presence',
  summary: 'Lists who is in a channel.',
  docs: {
    theme: 'presence',
    description: `The sessions that are subscribed, in the order of their coming, clients of \`/sub\` among them. Of a larger channel it lists those who came first, at most ${limits.listedMembers} and 1 MiB, and tells how many there are in \`sessions\` and \`users\`.\n\nWho may ask is a matter of the channel's rule for clients; the server API always may. \`user\` is absent where nobody has logged in.`,
    errors: [noPresence],
    example: {
      before: [annConnects, annSubscribes],
      params: { channel: 'room:1' },
      result: { members: [{ session: annsSession, user: '1001', info: { name: 'Ann' } }] },
    },
  },
  params: channelParams,
  result: presenceResult,
  async run({ channel }, _raw, verbs) {
    return presenceText(await verbs.presence.list(channel));
  },
});

const presenceStats = defineMethod({
  name: 'presence_stats',
  summary: 'Tells how many are in a channel.',
  docs: {
    theme: 'presence',
    description:
      'Sessions that are subscribed, and the users they belong to, each counted once. Sessions without a user count as sessions alone. It costs the same however many there are.',
    errors: [noPresence],
    example: {
      before: [annConnects, annSubscribes],
      params: { channel: 'room:1' },
      result: { sessions: 1, users: 1 },
    },
  },
  params: channelParams,
  result: z.strictObject(counts),
  async run({ channel }, _raw, verbs) {
    return JSON.stringify(await verbs.presence.stats(channel));
  },
});

export const presenceMethods: readonly ApiMethod[] = [presence, presenceStats];
