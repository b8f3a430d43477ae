/** What an API key needs for each method of the server API. A new method is one more line in the table. */

/** What a key may be given; what each opens stands in {@link permissions}. */
export const scopes = ['publish', 'read', 'people', 'rendezvous', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/**
 * Where the parameters name channels, for keys that are good for some of them only. `to`: a target, which may be a channel.
 * `pattern`: the answer lists channels, and leaves out the others. `inbox`: the channel, or the user whose inbox it is.
 */
export type ChannelField = 'channel' | 'channels' | 'c' | 'to' | 'pattern' | 'inbox';

export interface Permission {
  /** Absent: any key may. */
  readonly scope?: Scope;
  readonly names?: ChannelField;
}

/**
 * By method. `publish`: put messages into channels. `read`: what is in channels and who is there, and `info`. `people`: look up, reach
 * and mark sessions and users. `rendezvous`: speak for the phone that scanned a code. `admin`: what takes away for good, and what
 * concerns the server itself.
 */
export const permissions: Readonly<Record<string, Permission>> = {
  publish: { scope: 'publish', names: 'channel' },
  broadcast: { scope: 'publish', names: 'channels' },
  'mesh/publish': { scope: 'publish', names: 'c' },

  history: { scope: 'read', names: 'channel' },
  presence: { scope: 'read', names: 'channel' },
  presence_stats: { scope: 'read', names: 'channel' },
  channels: { scope: 'read', names: 'pattern' },
  info: { scope: 'read' },

  send: { scope: 'people', names: 'to' },
  'mesh/send': { scope: 'people' },
  disconnect: { scope: 'people', names: 'to' },
  subscribe: { scope: 'people', names: 'channel' },
  unsubscribe: { scope: 'people', names: 'channel' },
  sessions: { scope: 'people', names: 'to' },
  session: { scope: 'people' },
  user: { scope: 'people' },
  bind: { scope: 'people' },
  unbind: { scope: 'people' },
  context_get: { scope: 'people' },
  context_set: { scope: 'people' },
  context_update: { scope: 'people' },
  group_join: { scope: 'people' },
  group_leave: { scope: 'people' },
  group_destroy: { scope: 'people' },
  groups: { scope: 'people' },
  group: { scope: 'people' },
  tag: { scope: 'people' },
  untag: { scope: 'people' },

  inbox_push: { scope: 'publish', names: 'inbox' },
  inbox_list: { scope: 'read', names: 'inbox' },
  inbox_unread: { scope: 'read', names: 'inbox' },
  inbox_mark: { scope: 'people', names: 'inbox' },
  inbox_forget_device: { scope: 'people', names: 'inbox' },

  explain: { scope: 'people', names: 'channel' },

  rendezvous: { scope: 'rendezvous' },
  rendezvous_scan: { scope: 'rendezvous' },
  rendezvous_confirm: { scope: 'rendezvous' },
  rendezvous_cancel: { scope: 'rendezvous' },

  history_remove: { scope: 'admin', names: 'channel' },
  reload: { scope: 'admin' },
  webhooks: { scope: 'admin' },
  webhooks_retry: { scope: 'admin' },
  block: { scope: 'admin' },
  unblock: { scope: 'admin' },
  blocked: { scope: 'admin' },

  // Each of its requests is judged by itself.
  batch: {},
};
