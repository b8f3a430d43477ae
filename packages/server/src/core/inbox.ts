/** What an inbox is: one user's channel, how it is found, and how many publications in it are unread. */
import { channelNameFault, type Position } from '@carillon/protocol';
import type { HistoryPage, Retention } from './broker.ts';
import { refuse } from './errors.ts';
import type { Rules } from './rules.ts';

export interface Inbox {
  readonly channel: string;
  /** Its owner. */
  readonly user: string;
  readonly retention: Retention;
  /** How long a publication may stay without any acknowledgement before the application is told; absent: it is not told. */
  readonly overdueMs?: number;
}

/** How a request names an inbox. */
export type InboxName = { readonly user: string } | { readonly channel: string };

/** The device of a session that names none. */
export const defaultDevice = 'default';

/** The place before everything, in no stream at all: everything that is kept comes after it. */
export const beginning: Position = Object.freeze({ epoch: '', offset: 0 });

const openPart = /\*|\{[A-Za-z_]\w*\}/;

/** Undefined where the channel is no inbox. */
export function findInbox(rules: Rules, channel: string): Inbox | undefined {
  const { inbox, retention } = rules.find(channel) ?? {};
  if (inbox === undefined || retention === undefined) return undefined;
  const user = rules.owner(channel);
  return user === undefined ? undefined : { channel, user, retention, ...inbox };
}

/** @throws {ReplyError} 107 the request has to name the channel, or names it badly; 108 there is no such inbox. */
export function namedInbox(rules: Rules, name: InboxName): Inbox {
  const channel = 'channel' in name ? name.channel : channelOf(rules, name.user);
  const fault = channelNameFault(channel);
  if (fault !== undefined) {
    const field = 'channel' in name ? "'channel'" : `'user' cannot have an inbox: '${channel}'`;
    throw refuse('badRequest', `${field} ${fault}`);
  }
  const inbox = findInbox(rules, channel);
  if (inbox === undefined) throw noInbox();
  if ('user' in name && inbox.user !== name.user) {
    throw refuse('badRequest', `'${channel}' is the inbox of another user; name the 'channel'`);
  }
  return inbox;
}

export function noInbox(): Error {
  return refuse('notAvailable', "the channel is no inbox; its rule needs 'inbox: true'");
}

/** How many of the publications that are kept come after the cursor. */
export function unreadAfter(
  cursor: Position | undefined,
  { epoch, top, oldest }: Pick<HistoryPage, 'epoch' | 'top' | 'oldest'>,
): number {
  const read = cursor?.epoch === epoch ? cursor.offset : 0;
  return Math.max(0, top - Math.max(read, oldest - 1));
}

/** The channel of a user, where the only inbox rule says no more than that. */
function channelOf(rules: Rules, user: string): string {
  const [pattern, ...others] = rules.all
    .filter(({ inbox }) => inbox !== undefined)
    .map((rule) => rule.pattern);
  if (pattern === undefined) {
    throw refuse('notAvailable', "no channel is an inbox; give a rule 'inbox: true' in the config");
  }
  if (others.length > 0) {
    const patterns = [pattern, ...others].map((each) => `'${each}'`).join(', ');
    throw refuse(
      'badRequest',
      `several rules are inboxes (${patterns}); name the 'channel' instead of 'user'`,
    );
  }
  if (openPart.test(pattern.replaceAll('{uid}', ''))) {
    throw refuse('badRequest', `'user' does not say all that '${pattern}' leaves open; name the 'channel'`);
  }
  return pattern.replaceAll('{uid}', () => user);
}
