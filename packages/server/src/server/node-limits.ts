/** The bounds, rates and times of the settings as the core takes them. */
import type { Settings } from '../config/settings.ts';
import type { NodeOptions } from '../core/node.ts';

type NodeLimits = Pick<
  NodeOptions,
  'channelsPerConnection' | 'laneLogBytes' | 'publishesPerSecond' | 'rates' | 'graceMs'
>;

export function nodeLimits({ limits, rates, presence }: Settings): NodeLimits {
  const { channelsPerConnection, laneLogBytes, publishesPerSecond } = limits;
  const { commandsPerUser: commands, publishesPerUser: publishes } = rates;
  return {
    channelsPerConnection,
    laneLogBytes,
    ...(publishesPerSecond !== undefined && { publishesPerSecond }),
    rates: { ...(commands !== undefined && { commands }), ...(publishes !== undefined && { publishes }) },
    graceMs: presence.graceMs,
  };
}
