/** The methods of the server API about clients that are connected now: sending to them, listing them, and what is kept about them. */
import { compactSlice, disconnects, type JsonText, memberSlice } from '@carillon/protocol';
import type { Target } from '../../core/addressing.ts';
import { type ApiMethod, defineMethod, type RawParams } from './method.ts';
import {
  bindParams,
  contextParams,
  contextResult,
  disconnectParams,
  sendParams,
  sessionParams,
  sessionResult,
  sessionsParams,
  sessionsReached,
  sessionsResult,
  subscribeParams,
  unbindParams,
  userParams,
  userResult,
} from './people-schemas.ts';
import { nothing } from './results.ts';
import { given, memberOf } from './target.ts';

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
  summary:
    'Subscribes a session, or the sessions that a user has now, to a channel, whatever its rule says to clients.',
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
  async run({ to = everybody, limit, cursor }, _raw, { reach }) {
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

const bind = defineMethod({
  name: 'bind',
  summary:
    "Makes a session a user's, as if it had logged in. What the rules do not let that user read, ends.",
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

export const peopleMethods: readonly ApiMethod[] = [
  ...[send, disconnect, subscribe, unsubscribe, sessions, session, user],
  ...[bind, unbind, contextGet, contextSet, contextUpdate],
];

/** As it was written, without the white space outside strings; the parameters were found to have it. */
function member({ json, start }: RawParams, name: string): JsonText {
  const slice = memberSlice(json, name, start);
  return slice === undefined ? 'null' : compactSlice(json, slice);
}

function contextText(id: string, context: JsonText): JsonText {
  return `{"session":${JSON.stringify(id)},"context":${context}}`;
}

const everybody: Target = { all: true };
