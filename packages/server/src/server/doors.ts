/** What clients and monitors reach at any worker, though another one has it. */
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../core/clock.ts';
import type { Node } from '../core/node.ts';
import type { HttpOptions } from '../http/servers.ts';
import type { NativeHttp } from '../transports/http/native-transport.ts';
import { SpreadSessions } from '../workers/native-sessions.ts';
import { askReadiness, brokerReadiness } from '../workers/readiness.ts';
import type { WorkerHome } from './home.ts';

type NativeDoor = NonNullable<HttpOptions['native']>;

/** Where one process serves there is no home. */
interface Place {
  readonly home: WorkerHome | undefined;
  readonly clock: Clock;
}

/** What `/stream` is served by. */
export function nativeDoor(
  native: NativeHttp,
  node: Node,
  { websocket: { maxFrameBytes } }: Settings,
  place: Place,
): NativeDoor {
  return { sessions: sessionsOf(native, place), admit: node.admit.bind(node), maxFrameBytes };
}

/** A session begins at the worker that its first request reached, and is reached from all. */
function sessionsOf(native: NativeHttp, { home, clock }: Place): NativeDoor['sessions'] {
  if (home === undefined) return native;
  const spread = new SpreadSessions({ local: native, peers: home.peers, clock });
  spread.offer(home.calls);
  return {
    openStream: native.openStream.bind(native),
    openPolls: native.openPolls.bind(native),
    poll: spread.poll.bind(spread),
    deliver: spread.deliver.bind(spread),
    end: spread.end.bind(spread),
  };
}

/** What `/readyz` asks. */
export function readiness(node: Node, { home, clock }: Place): () => Promise<void> {
  const sing = node.probe.bind(node);
  return home === undefined ? brokerReadiness(sing, clock) : askReadiness(home.calls, sing, clock);
}
