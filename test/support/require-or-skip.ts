/** What a test needs from the machine: found, or named loudly with the command that installs it. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Programs that tests start, by the name of their Debian package. */
export type Program = 'chromium' | 'redis-server' | 'nats-server';

const commands: Readonly<Record<Program, readonly string[]>> = {
  chromium: ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'],
  'redis-server': ['redis-server', 'valkey-server'],
  'nats-server': ['nats-server'],
};

/**
 * The path of an installed program. Without it: throws where the environment variable `CI` is set, so that nothing is
 * skipped there; elsewhere says so and returns undefined, for `describe.skipIf(path === undefined)`.
 */
export function requireOrSkip(program: Program): string | undefined {
  const path = find(commands[program]);
  if (path !== undefined) return path;
  const remedy = `install it with: sudo apt-get install ${program}`;
  if (isCi()) throw new Error(`${program} was not found, and in CI nothing is skipped; ${remedy}`);
  console.warn(`SKIPPED for want of ${program}; ${remedy}`);
  return undefined;
}

function isCi(): boolean {
  const { CI } = process.env;
  return CI !== undefined && CI !== '' && CI !== 'false' && CI !== '0';
}

function find(names: readonly string[]): string | undefined {
  const { PATH = '' } = process.env;
  const folders = [...PATH.split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  for (const name of names) {
    const path = folders.map((folder) => join(folder, name)).find(isExecutable);
    if (path !== undefined) return path;
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
