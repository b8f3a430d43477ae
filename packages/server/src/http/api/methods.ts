/** The methods of the server API. A new one is one more object in this table. */
import { channelNameFault, type JsonText, type PublishResult } from '@carillon/protocol';
import { historyText } from '../../core/history-text.ts';
import type { Log } from '../../core/log.ts';
import { asRefusal, errorText } from '../answer.ts';
import { blockMethods } from './blocks.ts';
import { explainMethods } from './explain.ts';
import { groupMethods } from './groups.ts';
import { inboxMethods } from './inbox.ts';
import { type ApiMethod, defineMethod, memberText } from './method.ts';
import { annConnects, type Refusal, refusals } from './method-docs.ts';
import { peopleMethods } from './people.ts';
import { presenceMethods } from './presence.ts';
import { publishOptions } from './publish-options.ts';
import { reloadMethods } from './reload.ts';
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
  broadcastParams,
  channelParams,
  channelsParams,
  historyParams,
  noParams,
  type PublishParams,
  publishParams,
} from './schemas.ts';
import { sendingMethods } from './sending.ts';
import { webhookMethods } from './webhooks.ts';

const schemaRefusal: Refusal = {
  error: 'badRequest',
  when: "`data` does not fit the `schema` of the channel's rule; the message names the places.",
};

const publish = defineMethod({
  name: 'publish',
  summary: 'Publishes into one channel.',
  docs: {
    theme: 'publishing',
    description:
      "The answer comes when the publication stands in the channel's history; every subscriber then gets it, in the same order as every other subscriber. `data` arrives as it was written: large numbers are not rounded, members keep their order.\n\nThe rules of the channel do not count for the API, but its `schema` does. A channel that no rule matches, or whose rule has no `history`, takes publications too; it keeps nothing, and the answer has neither `offset` nor `epoch`.",
    errors: [schemaRefusal, refusals.notReady],
    example: {
      params: {
        channel: 'order:42',
        data: { state: 'paid', amount: 19.9 },
        idempotency_key: 'payment-8731',
      },
      result: { offset: 1, epoch: 'Kb3xQ9-a' },
    },
  },
  params: publishParams,
  result: publishResult,
  admits: isPlainPublish,
  async run(params, raw, verbs) {
    const data = memberText(raw, 'data');
    return positionText(await verbs.publish(params.channel, data, publishOptions(params), 'api'));
  },
});

/** `broadcast` publishes into each channel on its own: one that refuses does not stop the others. */
function broadcastMethod(log: Log): ApiMethod {
  return defineMethod({
    name: 'broadcast',
    summary: 'Publishes the same data into several channels. The results stand in the order of the channels.',
    docs: {
      theme: 'publishing',
      description:
        'Each channel is published into by itself: where one refuses, its place in `results` has an `error`, and the others get the data all the same. `idempotency_key` counts for each channel on its own. For the same data to persons, not channels, there is `send`.',
      errors: [],
      example: {
        params: { channels: ['order:42', 'news'], data: { text: 'Closed on Monday.' } },
        result: {
          results: [{ channel: 'order:42', offset: 1, epoch: 'Kb3xQ9-a' }, { channel: 'news' }],
        },
      },
    },
    params: broadcastParams,
    result: broadcastResult,
    async run(params, raw, verbs) {
      const data = memberText(raw, 'data');
      const options = publishOptions(params);
      const results = params.channels.map(async (channel) => {
        const name = `"channel":${JSON.stringify(channel)}`;
        try {
          const { offset, epoch } = await verbs.publish(channel, data, options, 'api');
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
  docs: {
    theme: 'publishing',
    description:
      'Oldest first, or newest first with `reverse`. A page ends after `limit` publications, or after 1 MiB of data; go on with `since` and the offset of its last one. `offset` in the answer is the newest that the channel ever gave.',
    errors: [
      {
        error: 'notAvailable',
        when: 'The channel keeps no history. Give its rule a `history` of `{size, ttl}`.',
      },
      {
        error: 'unrecoverablePosition',
        when: '`since` is of another epoch, or above the newest offset. Ask again without it.',
      },
    ],
    example: {
      before: [
        {
          call: 'publish',
          params: { channel: 'order:42', data: { state: 'paid' } },
          result: { offset: 1, epoch: 'Kb3xQ9-a' },
          varies: ['epoch'],
        },
        {
          call: 'publish',
          params: { channel: 'order:42', data: { state: 'sent' } },
          result: { offset: 2, epoch: 'Kb3xQ9-a' },
        },
      ],
      params: { channel: 'order:42', since: { epoch: 'Kb3xQ9-a', offset: 1 }, limit: 10 },
      result: { publications: [{ offset: 2, data: { state: 'sent' } }], epoch: 'Kb3xQ9-a', offset: 2 },
    },
  },
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
  docs: {
    theme: 'publishing',
    description:
      'Later publications count on from where the channel was. A client that comes back with a position from before is told of the loss, if it missed anything. A channel without history is left as it is.',
    errors: [],
    example: {
      before: [
        {
          call: 'publish',
          params: { channel: 'order:42', data: { state: 'paid' } },
          result: { offset: 1, epoch: 'Kb3xQ9-a' },
        },
      ],
      params: { channel: 'order:42' },
      result: {},
      after: [
        {
          says: 'Nothing is kept, and the offsets go on:',
          call: 'history',
          params: { channel: 'order:42' },
          result: { publications: [], epoch: 'Kb3xQ9-a', offset: 1 },
        },
      ],
    },
  },
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
  docs: {
    theme: 'publishing',
    description:
      'By name, at most 10,000. Without `pattern`, all of them. A channel is there while somebody is subscribed to it or its history keeps something.',
    errors: [],
    example: {
      before: [
        annConnects,
        { client: 'ann', lines: ['> {"op":"subscribe","channel":"news"}', '< {"result":true}'] },
        { call: 'publish', params: { channel: 'order:42', data: { state: 'paid' } } },
      ],
      params: {},
      result: {
        channels: [
          { channel: 'news', sessions: 1, publications: 0 },
          { channel: 'order:42', sessions: 0, publications: 1 },
        ],
      },
    },
  },
  params: channelsParams,
  result: channelsResult,
  async run({ pattern }, _raw, verbs) {
    return JSON.stringify({ channels: await verbs.channels(pattern) });
  },
});

const info = defineMethod({
  name: 'info',
  summary: 'Tells about this server and its workers.',
  docs: {
    theme: 'operation',
    description:
      'What a person wants to know at a glance. For monitoring there is `GET /metrics`; its figures are more, and their names are stable.',
    errors: [],
    example: {
      params: {},
      result: {
        version: '0.1.0',
        pid: 4711,
        uptime: 86400,
        engine: 'memory',
        workers: [
          {
            id: 0,
            pid: 4711,
            connections: 0,
            sessions: 0,
            users: 0,
            channels: 0,
            subscriptions: 0,
            publications: 0,
            deliveries: 0,
            cpuSeconds: 1.25,
            memoryBytes: 92274688,
          },
        ],
        totals: {
          connections: 0,
          sessions: 0,
          users: 0,
          channels: 0,
          subscriptions: 0,
          publications: 0,
          deliveries: 0,
        },
        config: { file: '/etc/carillon/carillon.config.ts', loadedAt: '2026-01-01T08:00:00.000Z' },
      },
      varies: ['version', 'pid', 'uptime', 'file', 'loadedAt', 'cpuSeconds', 'memoryBytes'],
    },
  },
  params: noParams,
  result: infoResult,
  async run(_params, _raw, verbs) {
    return JSON.stringify(await verbs.info());
  },
});

/** Every method but `batch`, which is made of them. */
export function apiMethods(log: Log): readonly ApiMethod[] {
  const channelMethods = [publish, broadcastMethod(log), history, historyRemove, channels, info];
  return [
    ...channelMethods,
    ...presenceMethods,
    ...sendingMethods,
    ...peopleMethods,
    ...groupMethods,
    ...inboxMethods,
    ...rendezvousMethods,
    ...explainMethods,
    ...webhookMethods,
    ...reloadMethods,
    ...blockMethods,
  ];
}

/** The commonest request, `{channel, data}` and nothing else, without a detour through the schema. */
function isPlainPublish(input: unknown): input is PublishParams {
  if (typeof input !== 'object' || input === null || !('channel' in input) || !('data' in input))
    return false;
  for (const name in input) if (name !== 'channel' && name !== 'data') return false;
  return typeof input.channel === 'string' && channelNameFault(input.channel) === undefined;
}

function positionText({ offset, epoch }: PublishResult): JsonText {
  return offset === undefined ? '{}' : `{"offset":${offset},"epoch":${JSON.stringify(epoch)}}`;
}
