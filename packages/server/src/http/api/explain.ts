/** The method of the server API that tells what became of a publication for a user. */
import { isoTime, limits } from '@carillon/protocol';
import { z } from 'zod';
import type { DeliveryReport } from '../../core/delivery-report.ts';
import { type ApiMethod, defineMethod } from './method.ts';
import { annConnects, annsSession } from './method-docs.ts';
import { channel, strict, text, wholeNumber } from './schemas.ts';
import { checkMember, given, memberOf, session } from './target.ts';
import { user } from './user.ts';

const explainParams = strict({
  channel,
  user: user.optional(),
  session: session
    .optional()
    .meta({ description: 'The id of a session, instead of `user`; it may be over.' }),
  offset: wholeNumber(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .meta({ description: 'Of the publication; absent: the newest of the channel.' }),
  epoch: text(limits.nameBytes, 'The epoch of the offset; absent: that of the channel now.').optional(),
}).superRefine((fields, context) => {
  checkMember(fields, context);
  if (fields.epoch === undefined || fields.offset !== undefined) return;
  context.addIssue({ code: 'custom', path: ['epoch'], message: "goes with an 'offset'" });
});

const at = z.string().meta({ description: 'ISO 8601, UTC.' });

const explainResult = z.strictObject({
  channel: z.string().meta({ description: 'As it was asked for.' }),
  user: z.string().optional().meta({ description: 'As it was asked for.' }),
  session: z.string().optional().meta({ description: 'As it was asked for.' }),
  epoch: z.string().optional().meta({ description: 'Of the publication; absent where it has no offset.' }),
  offset: z.int().optional().meta({ description: 'Of the publication.' }),
  verdict: z
    .enum([
      ...(['acknowledged', 'written', 'waiting', 'lost', 'excluded'] as const),
      ...(['notSubscribed', 'noSession', 'unpublished', 'refused', 'unknown'] as const),
    ])
    .meta({
      description:
        '`acknowledged`: by a device, in an inbox. `written`: to the socket of one session at least. `waiting`: who is there is behind. `lost`: who was there was told that it is gone. `excluded`: by the publication. `notSubscribed`: no session was then. `noSession`: there was none. `unpublished`: there is no such offset yet. `refused`: only publications that were refused are remembered. `unknown`: nothing is.',
    }),
  summary: z.string().meta({ description: 'The verdict as a sentence or two.' }),
  sessions: z
    .array(
      z.strictObject({
        session: z.string().meta({ description: 'Its id.' }),
        worker: z.int().meta({ description: 'The worker that has or had it, as `info` numbers them.' }),
        outcome: z
          .enum([
            ...(['live', 'replayed', 'waiting', 'excluded', 'lost'] as const),
            ...(['later', 'had', 'left', 'notSubscribed', 'unknown'] as const),
          ])
          .meta({
            description:
              '`live`: written as it came. `replayed`: written from history when it subscribed. `waiting`: not written yet. `lost`: told that it is gone. `later`: it subscribed after it. `had`: by its own position it had this. `left`: its subscription ended before.',
          }),
        says: z.string().meta({ description: 'The same as a sentence or two.' }),
      }),
    )
    .meta({ description: `One for each subscription, present or past; at most ${limits.explainedTraces}.` }),
  timeline: z
    .array(
      z.strictObject({
        at,
        worker: z.int().optional().meta({ description: 'Absent: the primary, or the history itself.' }),
        says: z.string().meta({ description: 'What happened.' }),
      }),
    )
    .meta({ description: `In the order of time, at most the last ${limits.explainedEntries}.` }),
  notes: z.array(z.string()).meta({ description: 'What to know besides, a sentence each.' }),
});

const explain = defineMethod({
  name: 'explain',
  summary: 'Tells what became of a publication for a user or a session.',
  docs: {
    theme: 'operation',
    description: `When and how it came in, where it stands in history, to which sessions of the user it was written, or why to none: no session, not subscribed then, excluded, behind, gone. \`carillon explain\` prints the same. The sentences are for people and may change; programs look at \`verdict\` and \`outcome\`.\n\nNothing is noted for each recipient. Each process remembers its last ${limits.tracedPublications} publications and ${limits.tracedSubscriptions} ended subscriptions; what a live subscription got follows from where it began and how far its connection has been written to. 'Written' means handed to the socket: only an inbox knows whether a client took it. A restart forgets all but history and acknowledgements.`,
    errors: [
      {
        error: 'notAvailable',
        when: 'The channel keeps no history, so nothing in it has an offset. Leave `offset` out. Or a worker does not answer; try again.',
      },
    ],
    example: {
      before: [
        annConnects,
        { client: 'ann', lines: ['> {"op":"subscribe","channel":"order:42"}', '< {"result":true}'] },
        {
          call: 'publish',
          params: { channel: 'order:42', data: { state: 'paid' } },
          result: { offset: 1, epoch: 'Kb3xQ9-a' },
        },
      ],
      params: { channel: 'order:42', user: '1001', offset: 1 },
      result: {
        channel: 'order:42',
        user: '1001',
        epoch: 'Kb3xQ9-a',
        offset: 1,
        verdict: 'written',
        summary:
          "Written to 1 of 1 session of the user '1001'. Whether the client took it is not known, for the channel is no inbox.",
        sessions: [
          {
            session: annsSession,
            worker: 0,
            outcome: 'live',
            says: 'Written to its connection as it came.',
          },
        ],
        timeline: [
          {
            at: '2026-01-01T08:00:00.000Z',
            worker: 0,
            says: `the session ${annsSession} came (websocket/native)`,
          },
          {
            at: '2026-01-01T08:00:00.020Z',
            worker: 0,
            says: `the session ${annsSession} subscribed, to begin behind offset 0`,
          },
          {
            at: '2026-01-01T08:00:03.100Z',
            worker: 0,
            says: 'came in over the server API, and was answered offset 1, epoch Kb3xQ9-a',
          },
          { at: '2026-01-01T08:00:03.101Z', says: 'appended to history: epoch Kb3xQ9-a, offset 1' },
          { at: '2026-01-01T08:00:03.101Z', worker: 0, says: 'handed on to 1 subscription' },
        ],
        notes: [
          "'Written' is derived from how far the connection has been written to, not noted for each client; it means handed to its socket.",
          'It stands in history: a client that comes back with an earlier position, or asks `history`, gets it.',
        ],
      },
      varies: ['at', 'says'],
    },
  },
  params: explainParams,
  result: explainResult,
  async run({ channel: name, offset, epoch, ...member }, _raw, { deliveries }) {
    const to = memberOf(member);
    return answerText(await deliveries.explain({ channel: name, to, ...given({ offset, epoch }) }));
  },
});

function answerText({
  position,
  timeline,
  channel: name,
  user: owner,
  session: id,
  ...report
}: DeliveryReport): string {
  return JSON.stringify({
    channel: name,
    ...(owner !== undefined && { user: owner }),
    ...(id !== undefined && { session: id }),
    ...position,
    ...report,
    timeline: timeline.map((entry) => ({ ...entry, at: isoTime(entry.at) })),
  });
}

export const explainMethods: readonly ApiMethod[] = [explain];
