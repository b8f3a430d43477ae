/** What the query of a request says: channels, where to start, how to answer. Every fault is told by name. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { channelNameFault, limits } from '@carillon/protocol';
import type { FeedRequest } from '../core/entry.ts';
import { refuse } from '../core/errors.ts';
import { HttpError } from './answer.ts';

/**
 * The query of a request, or a form, decoded.
 *
 * @param name What it is called when it is refused.
 * @throws {HttpError} 400 when it is not UTF-8: two names, or two texts, must not become one.
 */
export function fieldsOf(text: string, name: 'query' | 'form'): URLSearchParams {
  for (const [escapes] of text.matchAll(/(?:%[\da-f]{2})+/gi)) {
    if (!isUtf8(Buffer.from(escapes.replaceAll('%', ''), 'hex')))
      throw bad(`the ${name} is not valid UTF-8; send UTF-8 text`);
  }
  return new URLSearchParams(text);
}

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

/**
 * Where a feed starts: `Last-Event-ID` before `?cursor=`, of which an empty one counts as absent; `from` or `last` for
 * channels that the cursor does not know.
 *
 * @throws {HttpError} 400
 */
export function startOf(
  req: IncomingMessage,
  query: URLSearchParams,
): Pick<FeedRequest, 'cursor' | 'from' | 'last'> {
  const from = query.get('from') ?? undefined;
  const last = query.get('last') ?? undefined;
  if (from !== undefined && from !== 'oldest') throw bad("'from' must be 'oldest', or be left out");
  if (
    last !== undefined &&
    !(/^\d{1,4}$/.test(last) && Number(last) >= 1 && Number(last) <= limits.historyPage)
  ) {
    throw bad(`'last' must be a whole number from 1 to ${limits.historyPage}`);
  }
  if (from !== undefined && last !== undefined)
    throw bad("'from' and 'last' exclude each other; leave one out");
  const lastEventId = req.headers['last-event-id'];
  const cursor = (typeof lastEventId === 'string' && lastEventId) || query.get('cursor');
  return {
    ...(cursor && { cursor }),
    ...(from !== undefined && { from }),
    ...(last !== undefined && { last: Number(last) }),
  };
}

/** @throws {HttpError} 400 when `format` is neither `json` nor `raw`. */
export function formatOf(query: URLSearchParams): 'json' | 'raw' | undefined {
  const format = query.get('format') ?? undefined;
  if (format === undefined || format === 'json' || format === 'raw') return format;
  throw bad("'format' must be 'raw' or 'json'");
}

/**
 * `timeout` in milliseconds: `250ms`, `10s`, `1m`, or a bare number of seconds.
 *
 * @throws {HttpError} 400 when it is something else.
 */
export function timeoutOf(query: URLSearchParams): number | undefined {
  const text = query.get('timeout');
  if (text === null) return undefined;
  const [, number, unit = 's'] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m)?$/.exec(text) ?? [];
  if (number === undefined) throw bad("'timeout' must be a duration such as '10s', or a number of seconds");
  return Number(number) * (unit === 'ms' ? 1 : unit === 's' ? 1_000 : 60_000);
}

/**
 * Which of its user's devices a client says to be; empty counts as absent.
 *
 * @throws {HttpError} 400 when it is too long.
 */
export function deviceOf(query: URLSearchParams): string | undefined {
  const device = query.get('device') || undefined;
  if (device === undefined || Buffer.byteLength(device) <= limits.nameBytes) return device;
  throw bad(`'device' must not be longer than ${limits.nameBytes} bytes`);
}

/**
 * The function that JSONP or an iframe calls.
 *
 * @throws {HttpError} 400 when it could be anything but a name.
 */
export function callbackOf(query: URLSearchParams): string | undefined {
  const callback = query.get('callback') ?? undefined;
  if (callback === undefined || isCallbackName(callback)) return callback;
  throw bad("'callback' must be a JavaScript name, or names joined by dots");
}

/** A name, or names joined by dots: nothing that could be code. */
export function isCallbackName(name: string): boolean {
  return name.length <= limits.callbackCharacters && callbackName.test(name);
}

const callbackName = /^[\p{ID_Start}$_][\p{ID_Continue}$]*(?:\.[\p{ID_Start}$_][\p{ID_Continue}$]*)*$/u;

function bad(detail: string): HttpError {
  return new HttpError(400, 'badRequest', detail);
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
