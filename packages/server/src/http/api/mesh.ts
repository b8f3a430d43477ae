/** `mesh/publish`: the publish call of connmix, for backends that already speak it. */
import { asJson } from '../json-text.ts';
import { type ApiMethod, defineMethod } from './method.ts';
import { meshResult } from './results.ts';
import { type MeshPublishParams, meshPublishParams } from './schemas.ts';

/** Its result is the whole answer: connmix has an envelope of its own. */
export const meshPublish: ApiMethod = defineMethod({
  name: 'mesh/publish',
  summary: 'Publishes as connmix does: `c` is the channel, `d` the data as text, `t` is `text` or `binary`.',
  params: meshPublishParams,
  result: meshResult,
  async run(params, _raw, verbs) {
    const reached = verbs.subscribers(params.c);
    await verbs.publish(params.c, dataOf(params), params.t === 'binary' ? { binary: true } : {});
    return `{"E":null,"r":{"s":${reached},"f":0}}`;
  },
});

function dataOf({ d, t }: MeshPublishParams): string {
  return t === 'binary' ? JSON.stringify(d) : asJson(d);
}
