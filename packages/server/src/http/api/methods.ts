/** The methods of the server API. A new one is one more object in this table. */
import {
  channelNameFault,
  compactSlice,
  type JsonText,
  memberSlice,
  type PublishResult,
} from '@carillon/protocol';
import { historyText } from '../../core/history-text.ts';
import type { Log } from '../../core/log.ts';
import { asRefusal, errorText } from '../answer.ts';
import { groupMethods } from './groups.ts';
import { type ApiMethod, defineMethod, type PublishVerbOptions, type RawParams } from './method.ts';
import { peopleMethods } from './people.ts';
import { rendezvousMethods } from './rendezvous.ts';
import {
  broadcastResult,
  channelsResult,
  historyResult,
  infoResult,
  nothing,
  publishResult,
} from './results.ts';
import {
  type BroadcastParams,
  broadcastParams,
  channelParams,
  channelsParams,
  historyParams,
  noParams,
  type PublishParams,
  publishParams,
} from './schemas.ts';

const publish = defineMethod({
  name: 'publish',
  summary: 'Publishes into one channel.',
  params: publishParams,
  result: publishResult,
  admits: isPlainPublish,
  async run(params, raw, verbs) {
    return positionText(await verbs.publish(params.channel, dataOf(raw), publishOptions(params)));
  },
});

/** `broadcast` publishes into each channel on its own: one that refuses does not stop the others. */
function broadcastMethod(log: Log): ApiMethod {
  return defineMethod({
    name: 'broadcast',
    summary: 'Publishes the same data into several channels. The results stand in the order of the channels.',
    params: broadcastParams,
    result: broadcastResult,
    async run(params, raw, verbs) {
      const data = dataOf(raw);
      const options = publishOptions(params);
      const results = params.channels.map(async (channel) => {
        const name = `"channel":${JSON.stringify(channel)}`;
        try {
          const { offset, epoch } = await verbs.publish(channel, data, options);
          if (offset === undefined) return `{${name}}`;
          return `{${name},"offset":${offset},"epoch":${JSON.stringify(epoch)}}`;
        } catch (error) {
          return `{${name},${errorText(asRefusal(error, log, 'broadcast')).slice(1)}`;
        }
      });
      return `{"results":[${(await Promise.all(results)).join()}]}`;
    },
  });
}

const history = defineMethod({
  name: 'history',
  summary: "Reads a channel's history.",
  params: historyParams,
  result: historyResult,
  async run({ channel, since, limit, reverse }, _raw, verbs) {
    const page = await verbs.history(channel, {
      ...(since === undefined ? {} : { since }),
      ...(limit === undefined ? {} : { limit }),
      ...(reverse === undefined ? {} : { reverse }),
    });
    return historyText(page);
  },
});

const historyRemove = defineMethod({
  name: 'history_remove',
  summary: "Forgets a channel's history. Its offsets go on.",
  params: channelParams,
  result: nothing,
  async run({ channel }, _raw, verbs) {
    await verbs.removeHistory(channel);
    return '{}';
  },
});

const channels = defineMethod({
  name: 'channels',
  summary: 'Lists the channels that have subscribers or history.',
  params: channelsParams,
  result: channelsResult,
  async run({ pattern }, _raw, verbs) {
    return JSON.stringify({ channels: await verbs.channels(pattern) });
  },
});

const info = defineMethod({
  name: 'info',
  summary: 'Tells about this server and its workers.',
  params: noParams,
  result: infoResult,
  async run(_params, _raw, verbs) {
    return JSON.stringify(await verbs.info());
  },
});

/** Every method but `batch`, which is made of them. */
export function apiMethods(log: Log): readonly ApiMethod[] {
  const channelMethods = [publish, broadcastMethod(log), history, historyRemove, channels, info];
  return [...channelMethods, ...peopleMethods, ...groupMethods, ...rendezvousMethods];
}

/** The commonest request, `{channel, data}` and nothing else, without a detour through the schema. */
function isPlainPublish(input: unknown): input is PublishParams {
  if (typeof input !== 'object' || input === null || !('channel' in input) || !('data' in input))
    return false;
  for (const name in input) if (name !== 'channel' && name !== 'data') return false;
  return typeof input.channel === 'string' && channelNameFault(input.channel) === undefined;
}

function dataOf({ json, start }: RawParams): JsonText {
  const slice = memberSlice(json, 'data', start);
  // The parameters were found to have it.
  return slice === undefined ? 'null' : compactSlice(json, slice);
}

function publishOptions(params: PublishParams | BroadcastParams): PublishVerbOptions {
  const { exclude, idempotency_key: idempotencyKey } = params;
  if (exclude === undefined && idempotencyKey === undefined) return noOptions;
  const { sessions, users } = exclude ?? {};
  return {
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(exclude === undefined
      ? {}
      : {
          exclude: {
            ...(sessions === undefined ? {} : { sessions }),
            ...(users === undefined ? {} : { users }),
          },
        }),
  };
}

const noOptions: PublishVerbOptions = {};

function positionText({ offset, epoch }: PublishResult): JsonText {
  return offset === undefined ? '{}' : `{"offset":${offset},"epoch":${JSON.stringify(epoch)}}`;
}
