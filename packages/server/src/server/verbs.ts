/** What the methods of the server API ask of a node. */
import type { Node } from '../core/node.ts';
import type { Verbs } from '../http/api/method.ts';

/** `others`: what does not come from the node. */
export function verbsOf(node: Node, others: Pick<Verbs, 'info' | 'rendezvous' | 'webhooks'>): Verbs {
  return {
    publish: node.publish.bind(node),
    history: node.history.bind(node),
    removeHistory: node.removeHistory.bind(node),
    channels: node.channels.bind(node),
    subscribers: node.subscribers.bind(node),
    reach: node.reach,
    presence: node.presence,
    inboxes: node.inboxes,
    ...others,
  };
}
