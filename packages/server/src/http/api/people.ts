/** The methods of the server API about clients that are connected now: listing them, who they are, and what is kept about them. */
import { type JsonText, limits } from '@carillon/protocol';
import type { Target } from '../../core/addressing.ts';
import { type ApiMethod, defineMethod, memberText } from './method.ts';
import { annConnects, annsSession, type Refusal, refusals } from './method-docs.ts';
import {
  bindParams,
  contextParams,
  contextResult,
  sessionParams,
  sessionResult,
  sessionsParams,
  sessionsResult,
  unbindParams,
  userParams,
  userResult,
} from './people-schemas.ts';
import { nothing } from './results.ts';
import { given } from './target.ts';

const sessions = defineMethod({
  name: 'sessions',
  summary: 'Lists sessions, in the order of their coming.',
  docs: {
    theme: 'sessions',
    description:
      'In the order of their coming, clients of `/sub` among them. Without `to`, everybody. Page through them with `cursor`; `limit: 0` gives `total` alone, which is the cheap way to count.',
    errors: [],
    example: {
      before: [annConnects],
      params: { to: { where: 'city=sh' }, limit: 100 },
      result: {
        sessions: [
          {
            session: annsSession,
            user: '1001',
            info: { name: 'Ann' },
            tags: { vip: true, city: 'sh' },
            wire: 'websocket/native',
          },
        ],
        total: 1,
      },
    },
  },
  params: sessionsParams,
  result: sessionsResult,
  async run({ to = everybody, limit, cursor }, _raw, { reach }) {
    return JSON.stringify(await reach.directory.sessions(to, given({ limit, cursor })));
  },
});

const session = defineMethod({
  name: 'session',
  summary: 'Tells about one session.',
  docs: {
    theme: 'sessions',
    description:
      "A client learns its session's id from the reply to `auth`, and over `/stream` from the first message. `groups` has those that the session joined and those of its user.",
    errors: [refusals.noSession],
    example: {
      before: [
        annConnects,
        { client: 'ann', lines: ['> {"op":"subscribe","channel":"news"}', '< {"result":true}'] },
        { call: 'group_join', params: { group: 'buyers', user: '1001' } },
      ],
      params: { session: annsSession },
      result: {
        session: annsSession,
        user: '1001',
        info: { name: 'Ann' },
        tags: { vip: true, city: 'sh' },
        wire: 'websocket/native',
        groups: ['buyers'],
        channels: ['news'],
      },
    },
  },
  params: sessionParams,
  result: sessionResult,
  async run(params, _raw, { reach }) {
    return JSON.stringify(await reach.directory.session(params.session));
  },
});

const user = defineMethod({
  name: 'user',
  summary: 'Tells whether a user is online, and with which sessions.',
  docs: {
    theme: 'sessions',
    description: 'A user whom nobody ever saw is not online; that is no error.',
    errors: [],
    example: {
      before: [annConnects],
      params: { user: '1001' },
      result: { online: true, sessions: [annsSession] },
      varies: ['sessions'],
    },
  },
  params: userParams,
  result: userResult,
  async run(params, _raw, { reach }) {
    const ids = await reach.directory.user(params.user);
    return JSON.stringify({ online: ids.length > 0, sessions: ids });
  },
});

const bind = defineMethod({
  name: 'bind',
  summary:
    "Makes a session a user's, as if it had logged in. What the rules do not let that user read, ends.",
  docs: {
    theme: 'sessions',
    description:
      "For backends that log clients in by themselves: the client tells them its session's id, they tell the server who that is. From then on the session is reached as that user and may do what the rules let that user do. Subscriptions that it made and may no longer have end with an event `unsubscribed`.",
    errors: [refusals.noSession],
    example: {
      before: [annConnects],
      params: { session: annsSession, user: '1002' },
      result: {},
      after: [
        {
          says: 'It is that user now:',
          call: 'user',
          params: { user: '1002' },
          result: { online: true, sessions: [annsSession] },
          varies: ['sessions'],
        },
      ],
    },
  },
  params: bindParams,
  result: nothing,
  async run(params, _raw, { reach }) {
    await reach.people.bind(params.session, params.user);
    return '{}';
  },
});

const unbind = defineMethod({
  name: 'unbind',
  summary: "Makes a session nobody's, as if it had never logged in.",
  docs: {
    theme: 'sessions',
    description:
      "Where a backend logs clients out by itself. The connection stays open. With `user`, only if the session is that user's, so that a late request does not log out somebody else. A session that is gone, or nobody's, is no error.",
    errors: [{ error: 'conflict', when: 'The session belongs to another user than `user`.' }],
    example: {
      before: [annConnects],
      params: { session: annsSession, user: '1001' },
      result: {},
    },
  },
  params: unbindParams,
  result: nothing,
  async run(params, _raw, { reach }) {
    await reach.people.unbind(params.session, params.user);
    return '{}';
  },
});

const contextTooLarge: Refusal = {
  error: 'limitExceeded',
  when: `The context would be longer than ${limits.contextBytes} bytes, or have more than ${limits.contextMembers} members.`,
};

const contextGet = defineMethod({
  name: 'context_get',
  summary: 'Tells what is kept with a session; `{}` while nothing is.',
  docs: {
    theme: 'sessions',
    description: 'Clients never see it.',
    errors: [refusals.noSession],
    example: {
      before: [
        annConnects,
        { call: 'context_set', params: { session: annsSession, context: { cart: 3, page: '/shoes' } } },
      ],
      params: { session: annsSession },
      result: { session: annsSession, context: { cart: 3, page: '/shoes' } },
    },
  },
  params: sessionParams,
  result: contextResult,
  async run({ session: id }, _raw, { reach }) {
    return contextText(id, await reach.people.contextOf(id));
  },
});

const contextSet = defineMethod({
  name: 'context_set',
  summary: 'Keeps an object with a session, in place of the one before, until the session ends.',
  docs: {
    theme: 'sessions',
    description:
      'A place for what a backend wants to remember of a connection: which page it shows, which node of the backend it talks to. Clients never see it. It is kept as it was written.',
    errors: [refusals.noSession, contextTooLarge],
    example: {
      before: [annConnects],
      params: { session: annsSession, context: { cart: 3, page: '/shoes' } },
      result: { session: annsSession, context: { cart: 3, page: '/shoes' } },
    },
  },
  params: contextParams,
  result: contextResult,
  async run({ session: id }, raw, { reach }) {
    return contextText(id, await reach.people.setContext(id, memberText(raw, 'context')));
  },
});

const contextUpdate = defineMethod({
  name: 'context_update',
  summary: 'Changes members of the object that is kept with a session; `null` takes one away.',
  docs: {
    theme: 'sessions',
    description:
      'Members that the request names are replaced as a whole, `null` takes one away, and the others stay. The answer has the whole object.',
    errors: [refusals.noSession, contextTooLarge],
    example: {
      before: [
        annConnects,
        { call: 'context_set', params: { session: annsSession, context: { cart: 3, page: '/shoes' } } },
      ],
      params: { session: annsSession, context: { cart: 4, page: null } },
      result: { session: annsSession, context: { cart: 4 } },
    },
  },
  params: contextParams,
  result: contextResult,
  async run({ session: id }, raw, { reach }) {
    return contextText(id, await reach.people.updateContext(id, memberText(raw, 'context')));
  },
});

export const peopleMethods: readonly ApiMethod[] = [
  ...[sessions, session, user],
  ...[bind, unbind, contextGet, contextSet, contextUpdate],
];

function contextText(id: string, context: JsonText): JsonText {
  return `{"session":${JSON.stringify(id)},"context":${context}}`;
}

const everybody: Target = { all: true };
