/** Tries whether Redis can be used as the config says, and leaves nothing behind. */
import { subscribeAll } from './channels.ts';
import { Finder } from './finder.ts';
import type { Link } from './link.ts';
import { Mapping } from './mapping.ts';
import { placeOf, type RedisOptions } from './options.ts';
import { reasonOf } from './reason.ts';

export interface Probe {
  readonly isUsable: boolean;
  /** What was found, as one plain sentence without a full stop. */
  readonly finding: string;
}

/** Connects and subscribes to all that is mapped. Takes `limitMs` at most. */
export async function probeRedis(redis: RedisOptions, limitMs = 2_000): Promise<Probe> {
  const limit = new AbortController();
  const timer = setTimeout(
    () => limit.abort(new Error(`it did not answer within ${limitMs / 1_000} s`)),
    limitMs,
  );
  let link: Link | undefined;
  try {
    link = await new Finder(redis).open(limit.signal);
    limit.signal.addEventListener('abort', link.close, { once: true });
    const version = /redis_version:(\S+)/.exec(String(await link.ask('INFO', 'server').catch(() => '')))?.[1];
    await subscribeAll(link, new Mapping(redis.channels), () => undefined);
    const name = version === undefined ? '' : ` (version ${version})`;
    return { isUsable: true, finding: `Redis at ${link.place} answers${name}` };
  } catch (error) {
    const reason = reasonOf(limit.signal.aborted ? limit.signal.reason : error);
    return { isUsable: false, finding: `Redis (${whereabouts(redis)}) cannot be used: ${reason}` };
  } finally {
    clearTimeout(timer);
    link?.close();
  }
}

/** Where Redis was looked for, for people. */
export function whereabouts({ where }: RedisOptions): string {
  if (where.kind === 'server') return placeOf(where.endpoint);
  const places = where.addresses.map(placeOf).join(', ');
  return where.kind === 'cluster' ? `Cluster ${places}` : `'${where.name}' by Sentinel ${places}`;
}
