/** What the query of a request says about channels. */
import { channelNameFault } from '@carillon/protocol';
import { refuse } from '../core/errors.ts';

/**
 * The channels that `channel=A&channel=B` names, each once.
 *
 * @param aliases Whether `@name` may stand for a channel: who knows the user resolves it.
 * @throws {ReplyError} 107 none or a bad name, 106 too many.
 */
export function channelsOf(query: URLSearchParams, max: number, aliases = false): readonly string[] {
  const channels = [...new Set(query.getAll('channel'))];
  if (channels.length === 0) throw refuse('badRequest', "the query must name a channel, as '?channel=NAME'");
  if (channels.length > max) {
    throw refuse(
      'limitExceeded',
      `the query names ${channels.length} channels; at most ${max} are allowed in one request`,
    );
  }
  for (const channel of channels) checkName(channel, aliases);
  return channels;
}

/**
 * The channel of a path that the config maps: each `{x}` of the template comes from the query. A value in JSON quotes
 * is taken without them.
 *
 * @throws {ReplyError} 107 when a value is missing or makes no channel name.
 */
export function mappedChannel(template: string, query: URLSearchParams): string {
  const channel = template.replace(/\{([A-Za-z_]\w*)\}/g, (_, name: string) => {
    const value = query.get(name);
    if (value === null || value === '')
      throw refuse('badRequest', `the query must have '${name}', as '?${name}=VALUE'`);
    return unquoted(value);
  });
  checkName(channel, false);
  return channel;
}

function checkName(channel: string, aliases: boolean): void {
  const fault = channelNameFault(aliases && channel.startsWith('@') ? channel.slice(1) : channel);
  if (fault !== undefined) throw refuse('badRequest', `'channel' ${fault}`);
}

function unquoted(value: string): string {
  if (value.length < 2 || !value.startsWith('"') || !value.endsWith('"')) return value;
  try {
    return String(JSON.parse(value));
  } catch {
    return value;
  }
}
