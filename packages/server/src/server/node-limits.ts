/** The bounds, rates and times of the settings as the core takes them. */
import type { Settings } from '../config/settings.ts';
import type { NodeOptions } from '../core/node.ts';
import type { ClientAddresses } from '../http/address.ts';
import type { Rates } from './counting.ts';

type NodeLimits = Pick<
  NodeOptions,
  'channelsPerConnection' | 'laneLogBytes' | 'publishesPerSecond' | 'rates' | 'guesses' | 'graceMs'
>;

/** `addresses` say which of them are counted. */
export function nodeLimits(
  { limits, presence }: Settings,
  rates: Rates,
  addresses: Pick<ClientAddresses, 'bucketOf'>,
): NodeLimits {
  const { channelsPerConnection, laneLogBytes, publishesPerSecond } = limits;
  const { commandsPerUser: commands, publishesPerUser: publishes, refusedTokensPerAddress: refused } = rates;
  const bucketOf = addresses.bucketOf.bind(addresses);
  return {
    channelsPerConnection,
    laneLogBytes,
    ...(publishesPerSecond !== undefined && { publishesPerSecond }),
    rates: { ...(commands !== undefined && { commands }), ...(publishes !== undefined && { publishes }) },
    ...(refused !== undefined && { guesses: { rate: refused, bucketOf } }),
    graceMs: presence.graceMs,
  };
}
