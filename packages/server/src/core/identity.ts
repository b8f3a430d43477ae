/** Whom a token's claims, or the answer of a backend or a hook, speak of. */
import { type JsonText, limits, memberSlice, utf8Length } from '@carillon/protocol';
import type { Identity } from './access.ts';

/** Claims that nobody can be made of. The message names the claim and what it must be. */
export class IdentityFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'IdentityFault';
  }
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads `info`, `tags`, `channels`, `jti`, and the user under the name that the source gives it. `json` is the text of `claims`: a user
 * that is a number keeps all its digits. Without a user there is none.
 *
 * @throws {IdentityFault}
 */
export function readIdentity(claims: Fields, json: JsonText, userName: 'sub' | 'uid' | 'user'): Identity {
  const { info, tags, channels, jti } = claims;
  const user = readName(claims[userName], json, userName);
  const tokenId = readName(jti, json, 'jti');
  return {
    ...(user !== undefined && { user }),
    ...(tokenId !== undefined && { tokenId }),
    ...(info !== undefined && { info }),
    ...(tags !== undefined && { tags: readTags(tags) }),
    ...(channels !== undefined && { channels: readChannels(channels) }),
  };
}

/**
 * As {@link readIdentity}, and `expires`: seconds from `now` on, which is in milliseconds.
 *
 * @throws {IdentityFault}
 */
export function readIdentityAnswer(
  answer: Fields,
  json: JsonText,
  userName: 'uid' | 'user',
  now: number,
): Identity {
  const identity = readIdentity(answer, json, userName);
  const { expires } = answer;
  if (expires === undefined) return identity;
  const expiresAt = typeof expires === 'number' ? now + expires * 1_000 : Number.NaN;
  if (!(Math.abs(expiresAt) <= Number.MAX_SAFE_INTEGER)) {
    throw new IdentityFault("'expires' must be a number of seconds");
  }
  return { ...identity, expiresAt };
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readName(value: unknown, json: JsonText, name: string): string | undefined {
  if (value === undefined) return undefined;
  const slice = typeof value === 'number' ? memberSlice(json, name) : undefined;
  const user = slice === undefined ? value : json.slice(slice.start, slice.end);
  const isWhole = slice === undefined || /^-?\d+$/.test(String(user));
  if (typeof user !== 'string' || !isWhole || !isName(user) || /\p{Cc}/u.test(user)) {
    throw new IdentityFault(
      `'${name}' must be a text of 1 to ${limits.nameBytes} bytes without control characters, or a whole number`,
    );
  }
  return user;
}

function readTags(value: unknown): NonNullable<Identity['tags']> {
  const isTag = (tag: unknown): tag is string | number | boolean =>
    ['string', 'number', 'boolean'].includes(typeof tag);
  const entries = isFields(value) ? Object.entries(value) : undefined;
  const tags = entries?.flatMap(([key, tag]): [string, string | number | boolean][] =>
    isTag(tag) ? [[key, tag]] : [],
  );
  if (tags === undefined || tags.length !== entries?.length) {
    throw new IdentityFault("'tags' must be an object of texts, numbers, true and false");
  }
  return Object.fromEntries(tags);
}

function readChannels(value: unknown): readonly string[] {
  const isList = Array.isArray(value) && value.length <= limits.tokenChannels;
  const channels = isList ? value.filter((name): name is string => isName(name)) : [];
  if (!isList || channels.length !== value.length) {
    throw new IdentityFault(
      `'channels' must be a list of at most ${limits.tokenChannels} channel names or patterns`,
    );
  }
  return channels;
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && utf8Length(value) <= limits.nameBytes;
}
