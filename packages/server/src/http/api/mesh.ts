/** `mesh/publish` and `mesh/send`: the calls of connmix, for backends that already speak it. Their results are the whole answer: connmix has an envelope of its own. */
import { noSession } from '../../core/addressee.ts';
import { asJson } from '../json-text.ts';
import { type ApiMethod, defineMethod } from './method.ts';
import { annConnects, annsSession, refusals } from './method-docs.ts';
import { meshResult, meshSendResult } from './results.ts';
import { type MeshMessage, meshPublishParams, meshSendParams } from './schemas.ts';

export const meshPublish: ApiMethod = defineMethod({
  name: 'mesh/publish',
  summary: 'Publishes as connmix does: `c` is the channel, `d` the data as text, `t` is `text` or `binary`.',
  docs: {
    theme: 'connmix',
    description:
      'For backends that already speak to connmix. `d` that is JSON text is published as that JSON, so that it arrives on a message-center path as it was written; other text as a string; with `"t":"binary"` its bytes. The answer is connmix\' own, `s` counting the sessions that are subscribed; a refusal is `{"E":{"c":code,"m":message},"r":null}`.',
    errors: [refusals.notReady],
    example: {
      params: { c: 'news', d: '{"text":"Closed on Monday."}' },
      result: { E: null, r: { s: 0, f: 0 } },
    },
  },
  params: meshPublishParams,
  result: meshResult,
  async run(params, _raw, verbs) {
    const reached = await verbs.subscribers(params.c);
    await verbs.publish(params.c, dataOf(params), params.t === 'binary' ? { binary: true } : {}, 'api');
    return `{"E":null,"r":{"s":${reached},"f":0}}`;
  },
});

export const meshSend: ApiMethod = defineMethod({
  name: 'mesh/send',
  summary:
    'Sends to one session as connmix does: `c` is its id, `d` the data as text, `t` is `text` or `binary`.',
  docs: {
    theme: 'connmix',
    description:
      'As the method `send` to that session, with the event `message`; `d` is read as by `mesh/publish`. A refusal is `{"E":{"c":code,"m":message},"r":null}`.',
    errors: [refusals.noSession],
    example: {
      before: [annConnects],
      params: { c: annsSession, d: 'hello', t: 'text' },
      result: { E: null, r: { success: true } },
      after: [{ says: 'The client gets:', client: 'ann', lines: ['< {"event":"message","data":"hello"}'] }],
    },
  },
  params: meshSendParams,
  result: meshSendResult,
  async run(params, _raw, { reach }) {
    const { c: id, t } = params;
    const request = { data: dataOf(params), ...(t === 'binary' && { binary: true as const }) };
    if ((await reach.addressing.send({ sessions: [id] }, request)) === 0) throw noSession(id);
    return '{"E":null,"r":{"success":true}}';
  },
});

export const meshMethods: readonly ApiMethod[] = [meshPublish, meshSend];

function dataOf({ d, t }: MeshMessage): string {
  return t === 'binary' ? JSON.stringify(d) : asJson(d);
}
