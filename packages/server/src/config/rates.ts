/** The keys of `rates`: how often something may happen, per user, address or API key. */
import { z } from 'zod';
import { parseDuration } from './duration.ts';
import { key, section } from './fields.ts';

/** So many at once, and as many again spread evenly over the time. */
export interface RateValue {
  readonly count: number;
  readonly perMs: number;
}

const shape = /^([1-9]\d{0,8})\/(.+)$/;

/** Undefined for what is no rate, and for `off`. */
export function parseRate(text: string): RateValue | undefined {
  const [, count, duration = ''] = shape.exec(text) ?? [];
  // '100/s' is '100/1s'.
  const perMs = parseDuration(/^\d/.test(duration) ? duration : `1${duration}`);
  if (count === undefined || perMs === undefined || perMs < 100 || perMs > 86_400_000) return undefined;
  return { count: Number(count), perMs };
}

function rate(): z.ZodString {
  const error = "must be a rate such as '100/s' or '600/10m', over 100ms to 24h, or 'off'";
  return z.string({ error }).refine((text) => text === 'off' || parseRate(text) !== undefined, { error });
}

const type = { type: 'rate' };

export const rates = section({
  commandsPerUser: key(
    rate().default('60000/m'),
    "Commands of all sessions of one user together, publishing aside; beyond it error 111. 'off': no limit.",
    type,
  ),
  publishesPerUser: key(
    rate().optional(),
    'Publications of one user, on whatever way; beyond it error 111. Absent: no limit.',
    type,
  ),
  connectionsPerAddress: key(
    rate().default('6000/m'),
    'WebSockets and streams that one client address opens; beyond it status 429. Loopback and trusted proxies are not counted.',
    type,
  ),
  refusedTokensPerAddress: key(
    rate().default('1000/10m'),
    'Tokens that nobody knows (101) from one client address; beyond it all its tokens are 111, or status 429. Loopback and trusted proxies are not counted.',
    type,
  ),
  requestsPerKey: key(
    rate().optional(),
    'Requests with one API key, each of a batch counted; beyond it status 429. Absent: no limit.',
    type,
  ),
});

export type RatesConfig = z.output<typeof rates>;
export type RateSettings = { readonly [Name in keyof RatesConfig]?: RateValue };

/** Those that are in force. */
export function rateSettings(config: RatesConfig): RateSettings {
  return Object.fromEntries(
    Object.entries(config).flatMap(([name, text]) => {
      const parsed = text === undefined ? undefined : parseRate(text);
      return parsed === undefined ? [] : [[name, parsed]];
    }),
  );
}
