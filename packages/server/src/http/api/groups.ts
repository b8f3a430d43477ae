/** The methods of the server API about groups and tags. */
import { limits } from '@carillon/protocol';
import { type ApiMethod, defineMethod } from './method.ts';
import { annConnects, annsSession, refusals } from './method-docs.ts';
import {
  groupMemberParams,
  groupParams,
  groupResult,
  groupsParams,
  groupsResult,
  tagParams,
  untagParams,
} from './people-schemas.ts';
import { nothing } from './results.ts';
import { given, memberOf } from './target.ts';

const groupJoin = defineMethod({
  name: 'group_join',
  summary: 'Puts a session or a user into a group. A user brings every session it has and will have.',
  docs: {
    theme: 'groups',
    description:
      'A group comes to be with its first member and is gone with its last. A session is a member until it ends; a user until it leaves, online or not, with every session that it has or will have. Joining twice changes nothing. Groups are in memory: a restart forgets them.',
    errors: [
      refusals.noSession,
      {
        error: 'limitExceeded',
        when: `There are ${limits.groups} groups, or ${limits.groupMemberships} memberships in all of them.`,
      },
    ],
    example: { params: { group: 'buyers', user: '1001' }, result: {} },
  },
  params: groupMemberParams,
  result: nothing,
  async run(params, _raw, { reach }) {
    await reach.people.join(params.group, memberOf(params));
    return '{}';
  },
});

const groupLeave = defineMethod({
  name: 'group_leave',
  summary: 'Takes a session or a user out of a group.',
  docs: {
    theme: 'groups',
    description:
      'Who is no member of it has nothing to leave, which is no error. A session that came into the group by its user stays as long as the user does.',
    errors: [],
    example: {
      before: [{ call: 'group_join', params: { group: 'buyers', user: '1001' } }],
      params: { group: 'buyers', user: '1001' },
      result: {},
    },
  },
  params: groupMemberParams,
  result: nothing,
  async run(params, _raw, { reach }) {
    await reach.people.leave(params.group, memberOf(params));
    return '{}';
  },
});

const groupDestroy = defineMethod({
  name: 'group_destroy',
  summary: 'Takes all members out of a group. Their sessions stay connected.',
  docs: {
    theme: 'groups',
    description: 'A group that does not exist has nobody to lose, which is no error.',
    errors: [],
    example: {
      before: [{ call: 'group_join', params: { group: 'buyers', user: '1001' } }],
      params: { group: 'buyers' },
      result: {},
    },
  },
  params: groupParams,
  result: nothing,
  async run(params, _raw, { reach }) {
    await reach.people.destroyGroup(params.group);
    return '{}';
  },
});

const groups = defineMethod({
  name: 'groups',
  summary: 'Lists the groups that have members, in the order of their making.',
  docs: {
    theme: 'groups',
    description: 'Page through them with `cursor`; `limit: 0` gives `total` alone.',
    errors: [],
    example: {
      before: [
        { call: 'group_join', params: { group: 'buyers', user: '1001' } },
        { call: 'group_join', params: { group: 'buyers', user: '1002' } },
        annConnects,
      ],
      params: { limit: 100 },
      result: { groups: [{ group: 'buyers', members: 2, sessions: 1, users: 1 }], total: 1 },
    },
  },
  params: groupsParams,
  result: groupsResult,
  async run(params, _raw, { reach }) {
    return JSON.stringify(await reach.directory.groups(given(params)));
  },
});

const group = defineMethod({
  name: 'group',
  summary: 'Tells the members of a group, and how many are connected. A group that does not exist has none.',
  docs: {
    theme: 'groups',
    description:
      'Users first, then sessions, each as they joined. The members of a large group are told up to a limit, its counts are always whole; page through its sessions with the method `sessions` and `{"to":{"group":...}}`.',
    errors: [],
    example: {
      before: [
        annConnects,
        { call: 'group_join', params: { group: 'buyers', user: '1002' } },
        { call: 'group_join', params: { group: 'buyers', session: annsSession } },
      ],
      params: { group: 'buyers' },
      result: {
        group: 'buyers',
        members: [{ user: '1002' }, { session: annsSession }],
        counts: { members: 2, sessions: 1, users: 1 },
      },
    },
  },
  params: groupParams,
  result: groupResult,
  async run(params, _raw, { reach }) {
    return JSON.stringify(await reach.directory.group(params.group));
  },
});

const tag = defineMethod({
  name: 'tag',
  summary: 'Gives tags to a session until it ends, or to a user with every session it has and will have.',
  docs: {
    theme: 'groups',
    description:
      'Tags come with the token; this adds to them, or replaces values. What is said of a session wins over what is said of its user, and that over the token. Tags are what `{"where":"vip & city=sh"}` asks for in `to`. Those of a user stay, online or not, until `untag` or a restart.',
    errors: [
      refusals.noSession,
      {
        error: 'limitExceeded',
        when: `It would have more than ${limits.tags} tags besides the token's, or ${limits.taggedUsers} users have tags already.`,
      },
    ],
    example: {
      before: [annConnects],
      params: { user: '1001', tags: { level: 3 } },
      result: {},
      after: [
        {
          says: 'It can be reached by it:',
          call: 'send',
          params: { to: { where: 'level=3' }, data: 'hello' },
          result: { sessions: 1 },
        },
      ],
    },
  },
  params: tagParams,
  result: nothing,
  async run(params, _raw, { reach }) {
    await reach.people.tag(memberOf(params), params.tags);
    return '{}';
  },
});

const untag = defineMethod({
  name: 'untag',
  summary: 'Takes tags away, those of the token among them.',
  docs: {
    theme: 'groups',
    description:
      'A tag of the token is hidden for as long as the session, or the user, is there. Names that it does not have are no error.',
    errors: [],
    example: {
      before: [annConnects],
      params: { user: '1001', tags: ['vip'] },
      result: {},
      after: [
        {
          says: 'It is not reached by it any more:',
          call: 'send',
          params: { to: { where: 'vip' }, data: 'hello' },
          result: { sessions: 0 },
        },
      ],
    },
  },
  params: untagParams,
  result: nothing,
  async run(params, _raw, { reach }) {
    const { tags } = params;
    await reach.people.untag(memberOf(params), Array.isArray(tags) ? tags : Object.keys(tags));
    return '{}';
  },
});

export const groupMethods: readonly ApiMethod[] = [
  groupJoin,
  groupLeave,
  groupDestroy,
  groups,
  group,
  tag,
  untag,
];
