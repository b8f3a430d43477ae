/** The methods of the server API about inboxes: messages for users who may be away, and how far these have read. */
import { isoTime } from '@carillon/protocol';
import { historyText } from '../../core/history-text.ts';
import { defaultDevice } from '../../core/inbox.ts';
import {
  forgetParams,
  listParams,
  listResult,
  markParams,
  markResult,
  nameOf,
  pushParams,
  pushResult,
  unreadParams,
  unreadResult,
} from './inbox-schemas.ts';
import { type ApiMethod, defineMethod, memberText } from './method.ts';
import { type CallStep, type Refusal, refusals } from './method-docs.ts';
import { publishOptions } from './publish-options.ts';
import { nothing } from './results.ts';
import { given } from './target.ts';

const noInbox: Refusal = {
  error: 'notAvailable',
  when: 'The channel is no inbox, or no rule is one. Give the rule `inbox: true`.',
};
const ambiguous: Refusal = {
  error: 'badRequest',
  when: '`user` does not say which inbox is meant, because several rules are inboxes, or the pattern has more in it than `{uid}`. Name the `channel`.',
};
const named = [ambiguous, noInbox];

const unrecoverable: Refusal = {
  error: 'unrecoverablePosition',
  when: "The offset is above the newest, or `epoch` is not the channel's; the message names the newest.",
};

/** A first step of the examples. */
const pushed: CallStep = {
  call: 'inbox_push',
  params: { user: '1001', data: { text: 'Your order was sent.' } },
  result: { offset: 1, epoch: 'Kb3xQ9-a', unread: 1 },
};

const marked: CallStep = {
  call: 'inbox_mark',
  params: { user: '1001', device: 'phone', offset: 1 },
  result: { unread: 0 },
};

const push = defineMethod({
  name: 'inbox_push',
  summary: 'Puts a message into the inbox of a user, online or not.',
  docs: {
    theme: 'inbox',
    description:
      "The same as `publish` into the channel of the inbox: devices that are subscribed get it now, the others when they come, each until it has acknowledged it. It is kept as the rule's `history` says; an inbox without one keeps 1,000 messages for 30 days. The user need never have been online, and need not exist anywhere else.",
    errors: [...named, refusals.notReady],
    example: { params: pushed.params, result: pushed.result ?? {} },
  },
  params: pushParams,
  result: pushResult,
  async run(params, raw, { inboxes, publish }) {
    const inbox = inboxes.named(nameOf(params));
    const data = memberText(raw, 'data');
    const { offset, epoch } = await publish(inbox.channel, data, publishOptions(params), 'api');
    return JSON.stringify({ offset, epoch, unread: await inboxes.unread(inbox) });
  },
});

const list = defineMethod({
  name: 'inbox_list',
  summary: 'Reads an inbox, as one device stands to it.',
  docs: {
    theme: 'inbox',
    description:
      'What `history` answers for the channel, with the cursor of the device and what it has not acknowledged. For a list with the newest first ask with `reverse`, and go on with `since` and the last offset. Reading acknowledges nothing.',
    errors: [
      ...named,
      {
        error: 'unrecoverablePosition',
        when: '`since` is of another epoch, or above the newest offset. Ask again without it.',
      },
    ],
    example: {
      before: [pushed],
      params: { user: '1001', device: 'phone', unread: true },
      result: {
        publications: [{ offset: 1, data: { text: 'Your order was sent.' } }],
        epoch: 'Kb3xQ9-a',
        offset: 1,
        acknowledged: 0,
        unread: 1,
      },
    },
  },
  params: listParams,
  result: listResult,
  async run(params, _raw, { inboxes }) {
    const { device = defaultDevice, since, limit, reverse, unread: unreadOnly } = params;
    const query = { device, ...given({ since, limit, reverse, unread: unreadOnly }) };
    const { page, acknowledged, unread } = await inboxes.list(inboxes.named(nameOf(params)), query);
    return `${historyText(page).slice(0, -1)},"acknowledged":${acknowledged},"unread":${unread}}`;
  },
});

const unread = defineMethod({
  name: 'inbox_unread',
  summary: 'Tells how much of an inbox is unread, and how far each device of the user has acknowledged.',
  docs: {
    theme: 'inbox',
    description:
      'The first `unread` is the number for a badge: what no device has acknowledged. A device is listed from its first subscribe or acknowledgement until it was away for longer than messages are kept, and never more than 32 of a user.',
    errors: named,
    example: {
      before: [pushed, marked],
      params: { user: '1001' },
      result: {
        unread: 0,
        offset: 1,
        epoch: 'Kb3xQ9-a',
        devices: [{ device: 'phone', offset: 1, unread: 0, seenAt: '2026-01-01T08:00:00.000Z' }],
      },
      varies: ['seenAt'],
    },
  },
  params: unreadParams,
  result: unreadResult,
  async run(params, _raw, { inboxes }) {
    const { devices, ...report } = await inboxes.report(inboxes.named(nameOf(params)));
    const dated = devices.map(({ seenAt, ...device }) => ({ ...device, seenAt: isoTime(seenAt) }));
    return JSON.stringify({ ...report, devices: dated });
  },
});

const mark = defineMethod({
  name: 'inbox_mark',
  summary: 'Acknowledges for a device, or for all devices of a user.',
  docs: {
    theme: 'inbox',
    description:
      "What the command `ack` does, from the server side: for a user who has read the messages in a mail or on a page of yours. The user's sessions that are subscribed get the event `ack`. With `all` every device that is known has acknowledged them; a device that comes for the first time later gets everything that is kept.",
    errors: [...named, unrecoverable],
    example: {
      before: [pushed],
      params: { user: '1001', all: true, offset: 1 },
      result: { unread: 0 },
    },
  },
  params: markParams,
  result: markResult,
  async run(params, _raw, { inboxes }) {
    const { device = defaultDevice, all, offset, epoch } = params;
    const target = { device: all === true ? undefined : device, offset, epoch };
    return JSON.stringify({ unread: await inboxes.acknowledge(inboxes.named(nameOf(params)), target) });
  },
});

const forgetDevice = defineMethod({
  name: 'inbox_forget_device',
  summary: 'Forgets how far a device has acknowledged, as when the user removes it from a list.',
  docs: {
    theme: 'inbox',
    description:
      'When it comes back it is a device that was never seen, and gets everything that is kept. What it had acknowledged stays read for the badge. A device that is not known is no error. Its sessions stay connected: `disconnect` ends them.',
    errors: named,
    example: { before: [pushed, marked], params: { user: '1001', device: 'phone' }, result: {} },
  },
  params: forgetParams,
  result: nothing,
  async run(params, _raw, { inboxes }) {
    await inboxes.forget(inboxes.named(nameOf(params)), params.device);
    return '{}';
  },
});

export const inboxMethods: readonly ApiMethod[] = [push, list, unread, mark, forgetDevice];
