/** The end of a server whose ground is gone: a worker without its primary. */
import { disconnects } from '@carillon/protocol';
import type { Node } from '../core/node.ts';
import type { HttpServers } from '../http/servers.ts';
import type { Transports } from './transports.ts';

/**
 * Accepts nobody any more, and ends every connection with 3001 at once, each as its transport can say it. Resolves when all are
 * gone; those that are not after `graceMs` are cut.
 */
export async function abandon(
  node: Pick<Node, 'endSessions'>,
  { websocket, apiSockets, feeds, native }: Transports,
  servers: Pick<HttpServers, 'close'>,
  graceMs: number,
): Promise<void> {
  const gone = servers.close(graceMs);
  node.endSessions();
  await Promise.all(
    [websocket, apiSockets, feeds, native].map((transport) => transport.close(disconnects.shutdown, graceMs)),
  );
  await gone;
}
