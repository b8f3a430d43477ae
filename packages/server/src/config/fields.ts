/** The kinds of value that a config holds, each with the one sentence that is said when a value is wrong. */
import { BlockList, isIP } from 'node:net';
import type { StandardSchema } from '@carillon/protocol';
import { z } from 'zod';
import { formatDuration, parseDuration } from './duration.ts';

/** What is known of a key besides its type, default and sentence. */
export interface KeyInfo {
  /** The flag of `carillon serve`, without the dashes. */
  readonly flag?: string;
  /** The environment name where it is not the one that follows from the path. */
  readonly env?: string;
  /** What must never be printed: the value, or the names of the entries; `none` within something that must not. */
  readonly secret?: 'value' | 'names' | 'none';
  /** How an entry of a map is called in the reference, e.g. `pattern`. */
  readonly entry?: string;
  /** The type as the reference prints it, where the schema alone would say too little. */
  readonly type?: string;
}

/** Facts about keys, by their schema. Kept apart from zod's own metadata so that the JSON schema stays free of them. */
export const keyInfo = z.registry<KeyInfo>();

/** A schema with its sentence for the reference, and with what else is known of its key. */
export function key<S extends z.ZodType>(schema: S, sentence: string, info: KeyInfo = {}): S {
  const described = schema.describe(sentence);
  keyInfo.add(described, info);
  return described;
}

/** A section: an object that refuses unknown keys and whose keys all have defaults. */
export function section<S extends z.ZodRawShape>(shape: S): z.ZodObject<S, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'invalid_type' ? 'must be an object' : undefined),
  });
}

/** Entries by name. */
export function map<V extends z.ZodType>(name: z.ZodString, value: V): z.ZodRecord<z.ZodString, V> {
  return z.record(name, value, {
    error: (issue) => (issue.code === 'invalid_type' ? 'must be an object' : undefined),
  });
}

/** Headers that go with a request of this server, by name. */
export function headers() {
  return map(
    text(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,255}$/, "a header's name"),
    text(/^[\x20-\x7e]{0,8192}$/, 'a text of printable ASCII'),
  ).default({});
}

/** A list of texts. */
export function list<V extends z.ZodType>(value: V): z.ZodArray<V> {
  return z.array(value, { error: 'must be a list' });
}

export function flag(): z.ZodBoolean {
  return z.boolean({ error: 'must be true or false' });
}

export function choice<const T extends readonly [string, ...string[]]>(
  values: T,
): z.ZodEnum<z.core.util.ToEnum<T[number]>> {
  return z.enum(values, { error: `must be one of ${values.join(', ')}` });
}

export function whole(min: number, max: number): z.ZodNumber {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

/** A text that `allowed` accepts whole; `must` ends the sentence "must be ...". */
export function text(allowed: RegExp, must: string): z.ZodString {
  const error = `must be ${must}`;
  return z.string({ error }).regex(allowed, { error });
}

export function duration(min: string, max: string): z.ZodString {
  const [minMs, maxMs] = [parseDuration(min) ?? 0, parseDuration(max) ?? 0];
  const range = `must be a duration from ${min} to ${max}`;
  const error = (issue: { input?: unknown }): string =>
    typeof issue.input === 'number'
      ? `${range}, with its unit, such as '${formatDuration(Math.max(minMs, 10_000))}'`
      : range;
  const inRange = (value: string): boolean => {
    const ms = parseDuration(value);
    return ms !== undefined && ms >= minMs && ms <= maxMs;
  };
  return z.string({ error }).refine(inRange, { error });
}

/** An address on the web, without credentials: they have headers of their own. */
export function httpUrl(): z.ZodString {
  const error = "must be a URL without user and password, such as 'https://example.com/path'";
  return z.string({ error }).refine(isHttpUrl, { error });
}

function isHttpUrl(value: string): boolean {
  const url = URL.parse(value);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
}

/** A URL path that a request is compared with: no query, no trailing slash. */
export function urlPath(): z.ZodString {
  return text(
    /^\/(?:[^\s?#{}]*[^\s?#{}/])?$/,
    "a path that begins with '/' and does not end with one, such as '/ws'",
  );
}

/** `host:port`, with brackets around an IPv6 address. */
export function listenAddress(): z.ZodString {
  const error = "must be 'host:port', such as '127.0.0.1:6789'";
  return z.string({ error }).refine((value) => splitListenAddress(value) !== undefined, { error });
}

export function splitListenAddress(value: string): { host: string; port: number } | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]\s]+)\]|([^:\s/]+)):(\d{1,5})$/.exec(value) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port > 65_535 || (bracketed !== undefined && isIP(bracketed) !== 6))
    return undefined;
  return { host, port };
}

/** An address, or a block of addresses in CIDR notation. */
export function addressBlock(): z.ZodString {
  const error = "must be an IP address or a block of them, such as '127.0.0.0/8'";
  return z.string({ error }).refine(isAddressBlock, { error });
}

function isAddressBlock(value: string): boolean {
  const [address = '', prefix, ...rest] = value.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  if (!/^\d{1,3}$/.test(prefix)) return false;
  return Number(prefix) <= (family === 4 ? 32 : 128) && fits(address, Number(prefix), family);
}

function fits(address: string, prefix: number, family: number): boolean {
  try {
    new BlockList().addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
    return true;
  } catch {
    return false;
  }
}

/** What a browser sends as `Origin`: scheme and host, or `null` (a page from a file). */
export function origin(): z.ZodString {
  const error =
    "must be an origin without a path, such as 'https://example.com', 'null' for pages opened from a file, or '*' for all";
  return z
    .string({ error })
    .refine((value) => value === 'null' || value === '*' || isOrigin(value), { error });
}

function isOrigin(value: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*]+$/i.test(value) && URL.canParse(value);
}

/** A pattern of channel names: literal text, `*`, and `{name}`. */
export function channelPattern(): z.ZodString {
  const error =
    "must be a channel name in which * and {name} stand for a part: at most 255 bytes, no spaces, no leading '$' or '@'";
  return z.string({ error }).refine(isChannelPattern, { error });
}

function isChannelPattern(value: string): boolean {
  const literal = value.replaceAll(/\{[A-Za-z_]\w*\}/g, '*');
  return literal !== '' && Buffer.byteLength(value) <= 255 && !/[\p{Cc}\s{}]|^[$@]/u.test(literal);
}

/** A schema for published data. Some libraries make objects, others functions. */
export function dataSchema(): z.ZodCustom<StandardSchema, StandardSchema> {
  const error =
    'must be a Standard Schema, such as zod, valibot and arktype make; only a config in TypeScript or JavaScript can have one';
  return z.custom<StandardSchema>(isDataSchema, { error });
}

export function isDataSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const { '~standard': standard } = value as Partial<StandardSchema>;
  return standard?.version === 1 && typeof standard.validate === 'function';
}
