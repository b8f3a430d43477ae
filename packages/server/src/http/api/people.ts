/** The methods of the server API about clients that are connected now: sending to them, listing them, and what is kept about them. */
import { compactSlice, disconnects, type JsonText, memberSlice } from '@carillon/protocol';
import { type ApiMethod, defineMethod, type RawParams } from './method.ts';
import {
  bindParams,
  contextParams,
  contextResult,
  disconnectParams,
  groupMemberParams,
  groupParams,
  groupResult,
  groupsParams,
  groupsResult,
  sendParams,
  sessionParams,
  sessionResult,
  sessionsParams,
  sessionsReached,
  sessionsResult,
  subscribeParams,
  tagParams,
  unbindParams,
  untagParams,
  userParams,
  userResult,
} from './people-schemas.ts';
import { nothing } from './results.ts';
import { memberOf } from './target.ts';

const send = defineMethod({
  name: 'send',
  summary: 'Sends to clients that are connected now, without a channel and without history.',
  params: sendParams,
  result: sessionsReached,
  async run({ to, event, exclude }, raw, { reach }) {
    const request = { data: member(raw, 'data'), ...given({ event, exclude: exclude && given(exclude) }) };
    return JSON.stringify({ sessions: await reach.addressing.send(to, request) });
  },
});

const disconnect = defineMethod({
  name: 'disconnect',
  summary: 'Ends sessions, feeds among them.',
  params: disconnectParams,
  result: sessionsReached,
  async run({ to, code, reason, exclude }, _raw, { reach }) {
    const { forced } = disconnects;
    const why = { code: code ?? forced.code, reason: reason ?? (code === undefined ? forced.reason : '') };
    const sessions = await reach.addressing.disconnect(to, why, exclude && given(exclude));
    return JSON.stringify({ sessions });
  },
});

const subscribe = defineMethod({
  name: 'subscribe',
  summary: 'Subscribes a session, or the sessions that a user has now, to a channel, whatever its rule says to clients.',
  params: subscribeParams,
  result: sessionsReached,
  async run(params, _raw, { reach }) {
    return JSON.stringify({ sessions: await reach.people.subscribe(memberOf(params), params.channel) });
  },
});

const unsubscribe = defineMethod({
  name: 'unsubscribe',
  summary: 'Ends the subscriptions of a session, or of all sessions of a user, to a channel.',
  params: subscribeParams,
  result: sessionsReached,
  async run(params, _raw, { reach }) {
    return JSON.stringify({ sessions: reach.people.unsubscribe(memberOf(params), params.channel) });
  },
});

const sessions = defineMethod({
  name: 'sessions',
  summary: 'Lists sessions, in the order of their coming.',
  params: sessionsParams,
  result: sessionsResult,
  async run({ to = { all: true }, limit, cursor }, _raw, { reach }) {
    return JSON.stringify(await reach.directory.sessions(to, given({ limit, cursor })));
  },
});

const session = defineMethod({
  name: 'session',
  summary: 'Tells about one session.',
  params: sessionParams,
  result: sessionResult,
  async run(params, _raw, { reach }) {
    return JSON.stringify(await reach.directory.session(params.session));
  },
});

const user = defineMethod({
  name: 'user',
  summary: 'Tells whether a user is online, and with which sessions.',
  params: userParams,
  result: userResult,
  async run(params, _raw, { reach }) {
    const ids = reach.directory.user(params.user);
    return JSON.stringify({ online: ids.length > 0, sessions: ids });
  },
});

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

const bind = defineMethod({
  name: 'bind',
  summary: "Makes a session a user's, as if it had logged in. What the rules do not let that user read, ends.",
  params: bindParams,
  result: nothing,
  async run(params, _raw, { reach }) {
    reach.people.bind(params.session, params.user);
    return '{}';
  },
});

const unbind = defineMethod({
  name: 'unbind',
  summary: "Makes a session nobody's, as if it had never logged in.",
  params: unbindParams,
  result: nothing,
  async run(params, _raw, { reach }) {
    reach.people.unbind(params.session, params.user);
    return '{}';
  },
});

const contextGet = defineMethod({
  name: 'context_get',
  summary: 'Tells what is kept with a session; `{}` while nothing is.',
  params: sessionParams,
  result: contextResult,
  async run({ session: id }, _raw, { reach }) {
    return contextText(id, reach.people.contextOf(id));
  },
});

const contextSet = defineMethod({
  name: 'context_set',
  summary: 'Keeps an object with a session, in place of the one before, until the session ends.',
  params: contextParams,
  result: contextResult,
  async run({ session: id }, raw, { reach }) {
    return contextText(id, reach.people.setContext(id, member(raw, 'context')));
  },
});

const contextUpdate = defineMethod({
  name: 'context_update',
  summary: 'Changes members of the object that is kept with a session; `null` takes one away.',
  params: contextParams,
  result: contextResult,
  async run({ session: id }, raw, { reach }) {
    return contextText(id, reach.people.updateContext(id, member(raw, 'context')));
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

export const peopleMethods: readonly ApiMethod[] = [
  ...[send, disconnect, subscribe, unsubscribe, sessions, session, user],
  ...[groupJoin, groupLeave, groupDestroy, groups, group, bind, unbind],
  ...[contextGet, contextSet, contextUpdate, tag, untag],
];

/** As it was written, without the white space outside strings; the parameters were found to have it. */
function member({ json, start }: RawParams, name: string): JsonText {
  const slice = memberSlice(json, name, start);
  return slice === undefined ? 'null' : compactSlice(json, slice);
}

function contextText(id: string, context: JsonText): JsonText {
  return `{"session":${JSON.stringify(id)},"context":${context}}`;
}

type Given<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

/** Without the fields that are undefined. */
function given<Fields extends object>(fields: Fields): Given<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<Fields>;
}
