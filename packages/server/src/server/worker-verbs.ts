/** What the methods of the server API ask in a worker: its own part where that is all, every worker's where clients are anywhere. */
import type { Node } from '../core/node.ts';
import type { Verbs } from '../http/api/method.ts';
import { addressingName, SpreadAddressing } from '../workers/addressing.ts';
import { censusName, headcountsName, SpreadCensus, SpreadHeadcounts } from '../workers/census.ts';
import { OwnSessions, ownSessionsName, peopleName, SpreadPeople } from '../workers/people.ts';
import { askingAll, type TrailVerbs, trailName } from '../workers/trail.ts';
import type { WorkerHome } from './home.ts';

/** `verbs`: of this worker alone. Call before it serves: the others may ask it from then on. */
export function workerVerbs(
  verbs: Verbs,
  node: Node,
  { calls, peers }: Pick<WorkerHome, 'calls' | 'peers'>,
): Verbs {
  const { addressing, people, directory, census, revocation } = node.reach;
  calls.offer(addressingName, addressing, ['send', 'disconnect']);
  calls.offer(peopleName, people, [
    ...(['join', 'tag', 'untag', 'bind', 'unbind', 'subscribe', 'unsubscribe'] as const),
    ...(['contextOf', 'setContext', 'updateContext'] as const),
  ]);
  calls.offer(ownSessionsName, new OwnSessions(people), ['subscribe', 'unsubscribe']);
  calls.offer(censusName, census, ['places', 'summaries', 'session', 'tally']);
  calls.offer(headcountsName, node.headcounts, ['headcount']);
  calls.offer<TrailVerbs>(trailName, node.deliveryFacts, ['facts']);
  const headcounts = new SpreadHeadcounts(peers);
  return {
    ...verbs,
    channels: (pattern, within) => node.channels(pattern, within, headcounts),
    subscribers: headcounts.subscribers.bind(headcounts),
    deliveries: node.deliveries.of(askingAll(calls, peers)),
    reach: {
      addressing: new SpreadAddressing(peers),
      people: new SpreadPeople(people, peers),
      directory: directory.of(new SpreadCensus(peers)),
      revocation,
    },
  };
}
