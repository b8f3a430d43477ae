/** The methods of the server API that reach clients which are connected now: an event, a subscription, an end. */
import { disconnects } from '@carillon/protocol';
import { type ApiMethod, defineMethod, memberText } from './method.ts';
import { annConnects, refusals } from './method-docs.ts';
import { disconnectParams, sendParams, sessionsReached, subscribeParams } from './people-schemas.ts';
import { given, memberOf } from './target.ts';

const send = defineMethod({
  name: 'send',
  summary: 'Sends to clients that are connected now, without a channel and without history.',
  docs: {
    theme: 'sending',
    description:
      'Native clients get `{"event":E,"data":...}` with the `event` of the request; on a message-center path the data arrives alone. Clients of `/sub` take publications only: they are not reached and not counted.\n\nNothing is kept: whoever is away misses it, and `sessions` says how many open sessions got it. What must not be lost is published into a channel with history. A session that `to` means in several ways gets it once.',
    errors: [],
    example: {
      before: [annConnects],
      params: { to: { where: 'vip & city=sh' }, event: 'sale', data: { percent: 20 } },
      result: { sessions: 1 },
      after: [
        { says: 'The client gets:', client: 'ann', lines: ['< {"event":"sale","data":{"percent":20}}'] },
      ],
    },
  },
  params: sendParams,
  result: sessionsReached,
  async run({ to, event, exclude }, raw, { reach }) {
    const request = {
      data: memberText(raw, 'data'),
      ...given({ event, exclude: exclude && given(exclude) }),
    };
    return JSON.stringify({ sessions: await reach.addressing.send(to, request) });
  },
});

const disconnect = defineMethod({
  name: 'disconnect',
  summary: 'Ends sessions, feeds among them.',
  docs: {
    theme: 'sending',
    description:
      'Connections are closed with `code`, clients of `/sub` and sessions that have not logged in among them. Close codes 3000 to 3499 and 4000 to 4499 ask a client to come back, 3500 to 3999 and 4500 to 4999 not to; without a code it is 3503, `force disconnect`. It does not keep anybody out: who has a valid token may connect again.',
    errors: [],
    example: {
      before: [annConnects],
      params: { to: { user: '1001' }, code: 4500, reason: 'account closed' },
      result: { sessions: 1 },
    },
  },
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
  docs: {
    theme: 'sending',
    description:
      'Only who has a session now is subscribed; a later session of the user is not. What the rules say to clients does not count, the limit of channels per connection does. The client gets an event `subscribed`, then what is published into the channel.\n\n`sessions` counts those that are subscribed now, those that already were among them.',
    errors: [
      refusals.noSession,
      { error: 'limitExceeded', when: 'The session has as many channels as a connection may have.' },
      { error: 'badRequest', when: 'The session is a client of `/sub`, which names its channels itself.' },
    ],
    example: {
      before: [annConnects],
      params: { user: '1001', channel: 'order:42' },
      result: { sessions: 1 },
      after: [
        {
          says: 'The client gets:',
          client: 'ann',
          lines: [
            '< {"event":"order:42","type":"subscribed","epoch":"Kb3xQ9-a","offset":0,"recoverable":true}',
          ],
        },
      ],
    },
  },
  params: subscribeParams,
  result: sessionsReached,
  async run(params, _raw, { reach }) {
    return JSON.stringify({ sessions: await reach.people.subscribe(memberOf(params), params.channel) });
  },
});

const unsubscribe = defineMethod({
  name: 'unsubscribe',
  summary: 'Ends the subscriptions of a session, or of all sessions of a user, to a channel.',
  docs: {
    theme: 'sending',
    description:
      'The client gets an event `unsubscribed` with the code 3503, and nothing of the channel after it. A client of `/sub` is closed with 3503, for it has nothing else. `sessions` counts the subscriptions that ended; a session that is not there, or not subscribed, counts as none.',
    errors: [],
    example: {
      before: [
        annConnects,
        { client: 'ann', lines: ['> {"op":"subscribe","channel":"news"}', '< {"result":true}'] },
      ],
      params: { user: '1001', channel: 'news' },
      result: { sessions: 1 },
      after: [
        {
          says: 'The client gets:',
          client: 'ann',
          lines: ['< {"event":"news","type":"unsubscribed","code":3503,"msg":"unsubscribed by the server"}'],
        },
      ],
    },
  },
  params: subscribeParams,
  result: sessionsReached,
  async run(params, _raw, { reach }) {
    return JSON.stringify({ sessions: await reach.people.unsubscribe(memberOf(params), params.channel) });
  },
});

export const sendingMethods: readonly ApiMethod[] = [send, disconnect, subscribe, unsubscribe];
