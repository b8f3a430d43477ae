/** Loads the config for a command, and says all that is wrong with it when it cannot be used. */
import { ConfigError } from '../config/faults.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { flagReferences } from '../config/reference.ts';
import type { Call, Option } from './command.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

/** The options of the commands that read a config. */
export const configOptions: Readonly<Record<string, Option>> = {
  config: {
    type: 'string',
    placeholder: 'FILE',
    sentence: 'The config file.',
    env: 'CARILLON_CONFIG',
    default: 'carillon.config.* in the working directory',
  },
  ...Object.fromEntries(
    flagReferences().map(({ name, default: value, ...flag }) => {
      const shown = value === undefined || typeof value === 'boolean' ? undefined : String(value);
      return [name, { ...flag, default: shown }];
    }),
  ),
  dev: {
    type: 'boolean',
    sentence: 'Development mode, on loopback: no API key needed, every channel open, demos at /.',
    env: 'CARILLON_DEV',
  },
};

/** @throws {CommandError} 78 with one line for each fault. */
export async function loadOrExplain({ flags, terminal }: Call): Promise<LoadedConfig> {
  try {
    return await loadConfig({ flags, env: terminal.env, cwd: terminal.cwd });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CommandError(explain(error), exitCodes.config);
  }
}

/** What is wrong, one line each under a line that says where. */
export function explain({ faults, file }: ConfigError): string {
  const where = file === undefined ? 'the configuration' : file;
  return [`${where} cannot be used:`, ...faults.map((fault) => `  ${fault.replaceAll('\n', ' ')}`)].join(
    '\n',
  );
}
