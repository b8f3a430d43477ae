/** `carillon init`: writes a config to begin with. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Call, Command } from './command.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

const fileName = 'carillon.config.ts';

export const init: Command = {
  name: 'init',
  positionals: '',
  arity: { min: 0, max: 0 },
  about: [`Writes a commented ${fileName} with a fresh API key into the working directory.`],
  options: { force: { type: 'boolean', sentence: 'Overwrite the file if there is one.' } },
  examples: ['init', 'init --force'],
  run: runInit,
};

async function runInit({ flags, terminal: { cwd, stdout } }: Call): Promise<number> {
  const path = resolve(cwd, fileName);
  try {
    // It holds a key: for its owner alone.
    await writeFile(path, template(randomBytes(24).toString('base64url')), {
      flag: flags['force'] === true ? 'w' : 'wx',
      mode: 0o600,
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'is there already; --force overwrites it' : `cannot be written (${code})`;
    throw new CommandError(`${path} ${why}`, exitCodes.failed);
  }
  stdout.write(
    `Wrote ${path} with a fresh API key.\nNext: 'carillon check' shows what is in force, 'carillon serve' runs it.\n`,
  );
  return exitCodes.ok;
}

function template(apiKey: string): string {
  return `// The configuration of Carillon. 'carillon check' says whether it can be used, and what is in force.
import { defineConfig } from 'carillon';

export default defineConfig({
  // Where to listen. A host other than loopback needs an API key and at least one channel rule.
  host: '127.0.0.1',
  port: 6790,

  // The server API, for your backends: Authorization: Bearer <key>. Keep keys out of version control;
  // CARILLON_API_KEYS in the environment says the same. listen moves the API to an address of its own.
  api: {
    keys: ['${apiKey}'],
    // listen: '127.0.0.1:6789',
  },

  // How clients prove who they are. With anonymous, a client without a token may use what rules open to 'anyone'.
  auth: {
    anonymous: true,
    // tokens: { 'a-long-random-token': { user: '1001' } },
  },

  // What may be done where; the most specific pattern decides. Who: anyone, user, owner, subscriber, token, nobody.
  // What a rule does not name, nobody may do. A channel that no rule matches is closed to clients.
  channels: {
    'news:*': { subscribe: 'anyone', history: { size: 100, ttl: '10m' } },
    'user:{uid}': { subscribe: 'owner', history: { size: 100, ttl: '24h' } },
  },

  // Sites besides this server's own whose pages may connect.
  // origins: ['https://example.com'],

  // Proxies in front of this server whose X-Forwarded-For is believed.
  // trustProxy: ['127.0.0.0/8'],
});
`;
}
