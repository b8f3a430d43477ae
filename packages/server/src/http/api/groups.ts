/** The methods of the server API about groups and tags. */
import { type ApiMethod, defineMethod } from './method.ts';
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
  params: groupsParams,
  result: groupsResult,
  async run(params, _raw, { reach }) {
    return JSON.stringify(await reach.directory.groups(given(params)));
  },
});

const group = defineMethod({
  name: 'group',
  summary: 'Tells the members of a group, and how many are connected. A group that does not exist has none.',
  params: groupParams,
  result: groupResult,
  async run(params, _raw, { reach }) {
    return JSON.stringify(await reach.directory.group(params.group));
  },
});

const tag = defineMethod({
  name: 'tag',
  summary: 'Gives tags to a session until it ends, or to a user with every session it has and will have.',
  params: tagParams,
  result: nothing,
  async run(params, _raw, { reach }) {
    reach.people.tag(memberOf(params), params.tags);
    return '{}';
  },
});

const untag = defineMethod({
  name: 'untag',
  summary: 'Takes tags away, those of the token among them.',
  params: untagParams,
  result: nothing,
  async run(params, _raw, { reach }) {
    const { tags } = params;
    reach.people.untag(memberOf(params), Array.isArray(tags) ? tags : Object.keys(tags));
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
