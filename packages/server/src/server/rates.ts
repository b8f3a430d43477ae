/** The rates of the settings as the core takes them. */
import type { Settings } from '../config/settings.ts';
import type { UserRatesOptions } from '../core/user-rates.ts';

export function userRates({ rates }: Settings): UserRatesOptions {
  const { commandsPerUser: commands, publishesPerUser: publishes } = rates;
  return { ...(commands !== undefined && { commands }), ...(publishes !== undefined && { publishes }) };
}
