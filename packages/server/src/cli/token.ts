/** `carillon token`: makes a JSON Web Token that the configured server accepts. */
import { limits, utf8Length } from '@carillon/protocol';
import { mintToken } from '../auth/mint.ts';
import type { JwtSettings } from '../config/auth-settings.ts';
import { formatDuration, parseDuration } from '../config/duration.ts';
import type { LoadedConfig } from '../config/load.ts';
import { SystemClock } from '../system/clock.ts';
import { type Call, type Command, textOption, usage } from './command.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { configOptions, loadOrExplain } from './load-or-explain.ts';

const { config } = configOptions;

export const token: Command = {
  name: 'token',
  positionals: '',
  arity: { min: 0, max: 0 },
  about: [
    'Makes a JSON Web Token (HS256) for a user and prints it.',
    "It is signed with the config's auth.jwt.secret and carries its issuer and audience. Needs no running server.",
  ],
  options: {
    user: {
      type: 'string',
      placeholder: 'U',
      sentence: 'The user that the token stands for. Required, but for a token with --channel.',
    },
    expires: {
      type: 'string',
      placeholder: 'DURATION',
      sentence: "How long it is good, such as '15m' or '30d'.",
      default: '1h',
    },
    info: { type: 'string', placeholder: 'JSON', sentence: 'What others may see of the user.' },
    tags: {
      type: 'string',
      placeholder: 'JSON',
      sentence: `Marks on the session, such as '{"vip":true}'.`,
    },
    channels: {
      type: 'string',
      placeholder: 'A,B',
      sentence: 'Channel names or patterns that rules of kind `token` admit.',
    },
    channel: {
      type: 'string',
      placeholder: 'C',
      sentence: 'One such name or pattern; may be repeated. What a subscribe shows for one channel.',
    },
    jti: {
      type: 'string',
      placeholder: 'ID',
      sentence: 'Names this one token, so that it alone can be withdrawn.',
    },
    secret: {
      type: 'string',
      placeholder: 'S',
      sentence: "Signs with this instead of the config's; other users of this machine can see it.",
    },
    ...(config !== undefined && { config }),
    json: { type: 'boolean', sentence: 'Print JSON.' },
  },
  examples: [
    'token --user 1001',
    `token --user 1001 --expires 15m --tags '{"vip":true}' --channels 'room:*'`,
    'token --channel room:42 --expires 5m',
  ],
  run: runToken,
};

async function runToken(call: Call): Promise<number> {
  const user = readUser(call);
  const jti = readName(call, 'jti');
  const expiresInMs = readExpires(call);
  const marks = { ...readJson(call, 'info'), ...readTags(call), ...readChannels(call) };
  const { settings, file } = await loadOrExplain(call);
  const { jwt } = settings.auth;
  const secret = textFlag(call, 'secret') ?? secretOf(jwt, file);
  const [issuer, audience] = [jwt?.issuer?.[0], jwt?.audience?.[0]];
  const made = await mintToken(secret, {
    ...(user !== undefined && { user }),
    ...(jti !== undefined && { jti }),
    now: new SystemClock().now(),
    expiresInMs,
    ...marks,
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  });
  if (Buffer.byteLength(made) > limits.tokenBytes) {
    throw usage(
      `the token would have more than ${limits.tokenBytes} bytes; say less in 'info', 'tags', 'channels'`,
    );
  }
  const expires = Math.ceil(expiresInMs / 1_000);
  const asJson = call.flags['json'] === true;
  call.terminal.stdout.write(`${asJson ? JSON.stringify({ token: made, user, expires }) : made}\n`);
  return exitCodes.ok;
}

function textFlag({ flags }: Call, name: string): string | undefined {
  const given = flags[name];
  return typeof given === 'string' ? given : undefined;
}

/** @throws {CommandError} 78 that says what to set. */
function secretOf(jwt: JwtSettings | undefined, file: LoadedConfig['file']): string {
  if (jwt?.key.kind === 'secret') return jwt.key.secret;
  const where = file ?? 'the environment';
  const why =
    jwt === undefined
      ? `there is no secret to sign with: set auth.jwt.secret in the config file (${file ?? 'there is none'}) or CARILLON_AUTH_JWT_SECRET, or give --secret`
      : `auth.jwt in ${where} has a public key, which can only check tokens; sign them where the private key is, or give --secret`;
  throw new CommandError(why, exitCodes.config);
}

/** Undefined where the token is for channels alone. */
function readUser(call: Call): string | undefined {
  const user = readName(call, 'user');
  if (user !== undefined || call.lists['channel'] !== undefined) return user;
  throw usage("'--user' is required: carillon token --user 1001");
}

function readName(call: Call, flag: string): string | undefined {
  const name = textFlag(call, flag);
  if (name !== undefined && (utf8Length(name) > limits.nameBytes || /\p{Cc}/u.test(name))) {
    throw usage(`'--${flag}' must have at most ${limits.nameBytes} bytes and no control characters`);
  }
  return name;
}

function readExpires(call: Call): number {
  const given = textOption(token, call, 'expires') ?? '';
  const ms = parseDuration(given);
  if (ms !== undefined && ms >= 1_000) return ms;
  throw usage(
    `'--expires' must be a duration of at least ${formatDuration(1_000)}, with its unit, such as '1h', but is '${given}'`,
  );
}

function readJson(call: Call, name: string): Readonly<Record<string, unknown>> {
  const given = textFlag(call, name);
  if (given === undefined) return {};
  try {
    return { [name]: JSON.parse(given) as unknown };
  } catch {
    throw usage(`'--${name}' must be JSON, but is '${given}'`);
  }
}

function readTags(call: Call): { readonly tags?: Readonly<Record<string, unknown>> } {
  const { tags } = readJson(call, 'tags');
  if (tags === undefined) return {};
  const isObject = typeof tags === 'object' && tags !== null && !Array.isArray(tags);
  const isTag = (tag: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof tag);
  if (!isObject || !Object.values(tags).every(isTag)) {
    throw usage(`'--tags' must be an object of texts, numbers, true and false, such as '{"vip":true}'`);
  }
  return { tags: tags as Readonly<Record<string, unknown>> };
}

function readChannels(call: Call): { readonly channels?: readonly string[] } {
  const given = textFlag(call, 'channels');
  const single = call.lists['channel'] ?? [];
  if (given === undefined && single.length === 0) return {};
  const channels = given === undefined ? [] : given.split(',').map((name) => name.trim());
  if (channels.some((name) => name === '' || utf8Length(name) > limits.nameBytes)) {
    throw usage(
      `'--channels' must be names or patterns of at most ${limits.nameBytes} bytes, separated by commas`,
    );
  }
  if (single.some((name) => utf8Length(name) > limits.nameBytes))
    throw usage(`'--channel' must be a name or pattern of at most ${limits.nameBytes} bytes`);
  return { channels: [...channels, ...single] };
}
