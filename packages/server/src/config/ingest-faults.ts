/** What keeps a mapping of Redis from being used: sources that say the same, targets that ask for what the source has not. */
import { formatPath } from './faults.ts';
import type { RedisIngestConfig } from './ingest.ts';
import { readUrl } from './ingest-settings.ts';
import type { CompleteConfig } from './schema.ts';

/** One sentence for each. */
export function ingestFaults({ ingest: { redis } }: CompleteConfig): string[] {
  if (redis === undefined) return [];
  return [...whereFaults(redis), ...channelFaults(redis), ...keyFaults(redis)];
}

function whereFaults(redis: RedisIngestConfig): string[] {
  const ways = (['url', 'sentinel', 'cluster'] as const).filter((name) => redis[name] !== undefined);
  const faults: string[] = [];
  if (ways.length === 0)
    faults.push("ingest.redis: needs to know where Redis is: set 'url', 'sentinel' or 'cluster'.");
  if (ways.length > 1)
    faults.push(`ingest.redis: ${ways.join(' and ')} contradict each other; keep one of them.`);
  if (redis.url !== undefined && readUrl(redis.url) === undefined)
    faults.push("ingest.redis.url: is no URL; write it as 'redis://127.0.0.1:6379'.");
  const { channels, streams, lists } = redis;
  const mapped = { ...channels, ...streams?.keys, ...lists?.keys };
  if (Object.keys(mapped).length === 0)
    faults.push("ingest.redis: maps nothing; set 'channels', for example { 'chat:*': 'chat:*' }.");
  return faults;
}

const part = /\*|\{([A-Za-z_]\w*)\}/g;

/** What is open in a pattern. */
function partsOf(pattern: string): { readonly stars: number; readonly names: readonly string[] } {
  const found = [...pattern.matchAll(part)].map(([, name]) => name);
  const names = found.filter((name) => name !== undefined);
  return { stars: found.length - names.length, names };
}

function channelFaults({ channels }: RedisIngestConfig): string[] {
  const shapes = new Map<string, string>();
  return Object.entries(channels).flatMap(([source, target]) => {
    const at = formatPath(['ingest', 'redis', 'channels', source], {});
    const [has, wants] = [partsOf(source), partsOf(target)];
    const faults = [...new Set(wants.names)]
      .filter((name) => !has.names.includes(name))
      .map((name) => `${at}: '${target}' uses {${name}}, which '${source}' does not have.`);
    if (wants.stars > has.stars)
      faults.push(`${at}: '${target}' has ${wants.stars} of *, and '${source}' has ${has.stars}.`);
    const twice = has.names.find((name, index) => has.names.indexOf(name) !== index);
    if (twice !== undefined)
      faults.push(`${at}: {${twice}} stands there twice; give each part its own name.`);
    const shape = source.replaceAll(part, '*');
    const other = shapes.get(shape);
    if (other === undefined) shapes.set(shape, source);
    else faults.push(`${at}: matches the same as '${other}'; keep one of them.`);
    return faults;
  });
}

/** A stream or list is one key, so what it feeds is one channel. */
function keyFaults({ streams, lists }: RedisIngestConfig): string[] {
  return Object.entries({ streams: streams?.keys ?? {}, lists: lists?.keys ?? {} }).flatMap(([kind, keys]) =>
    Object.entries(keys)
      .filter(([, channel]) => partsOf(channel).stars + partsOf(channel).names.length > 0)
      .map(([name, channel]) => {
        const at = formatPath(['ingest', 'redis', kind, 'keys', name], {});
        return `${at}: '${channel}' must be one channel, without * and {name}.`;
      }),
  );
}
