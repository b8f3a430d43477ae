/** The bounds, rates and times of the settings as the core takes them. */
import type { Settings } from '../config/settings.ts';
import type { NodeOptions } from '../core/node.ts';
import type { ClientAddresses } from '../http/address.ts';
import { linkedGuesses } from '../workers/guesses.ts';
import type { WorkerHome } from './home.ts';

type NodeLimits = Pick<
  NodeOptions,
  'channelsPerConnection' | 'laneLogBytes' | 'publishesPerSecond' | 'rates' | 'guesses' | 'graceMs'
>;

/** `addresses` say which of them are counted; `home`: there are other workers. */
export function nodeLimits(
  { limits, rates, presence }: Settings,
  addresses: Pick<ClientAddresses, 'bucketOf'>,
  home?: Pick<WorkerHome, 'calls'>,
): NodeLimits {
  const { channelsPerConnection, laneLogBytes, publishesPerSecond } = limits;
  const { commandsPerUser: commands, publishesPerUser: publishes, refusedTokensPerAddress: refused } = rates;
  const bucketOf = addresses.bucketOf.bind(addresses);
  return {
    channelsPerConnection,
    laneLogBytes,
    ...(publishesPerSecond !== undefined && { publishesPerSecond }),
    rates: { ...(commands !== undefined && { commands }), ...(publishes !== undefined && { publishes }) },
    ...(refused !== undefined && {
      guesses: {
        rate: refused,
        bucketOf,
        ...(home !== undefined && { elsewhere: linkedGuesses(home.calls) }),
      },
    }),
    graceMs: presence.graceMs,
  };
}
