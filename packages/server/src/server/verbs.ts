/** What the methods of the server API ask of a node. */
import type { Node } from '../core/node.ts';
import type { Verbs } from '../http/api/method.ts';
import type { WorkerHome } from './home.ts';
import { workerVerbs } from './worker-verbs.ts';

/** `home`: where the node is one of several, whose clients are reached, too. `others`: what does not come from a node. */
export function verbsOf(
  node: Node,
  home: Pick<WorkerHome, 'calls' | 'peers'> | undefined,
  others: Pick<Verbs, 'info' | 'rendezvous' | 'webhooks'>,
): Verbs {
  const verbs: Verbs = {
    publish: node.publish.bind(node),
    history: node.history.bind(node),
    removeHistory: node.removeHistory.bind(node),
    channels: node.channels.bind(node),
    subscribers: node.subscribers.bind(node),
    reach: node.reach,
    presence: node.presence,
    inboxes: node.inboxes,
    deliveries: node.deliveries,
    ...others,
  };
  return home === undefined ? verbs : workerVerbs(verbs, node, home);
}
