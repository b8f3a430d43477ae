/** The keys of `api`: who may use the server API, and where it is served. */
import { z } from 'zod';
import { channelPattern, choice, key, list, listenAddress, section, text } from './fields.ts';

/** What a key may be given, as the API names it. */
export const scopeNames = ['publish', 'read', 'people', 'rendezvous', 'admin'] as const;

const keyText = text(/^[\x21-\x7e]{1,8192}$/, 'a text of printable ASCII without spaces');
const some = { error: 'must name at least one' };

const limitedKey = section({
  key: key(keyText, 'The key itself.', { secret: 'value' }),
  name: key(
    text(/^[^\p{Cc}]{1,255}$/u, 'a text of 1 to 255 characters').optional(),
    'How refusals and logs call it.',
    { type: 'text', secret: 'none' },
  ),
  scopes: key(
    list(choice(scopeNames)).min(1, some).optional(),
    `What it may do: ${scopeNames.map((name) => `\`${name}\``).join(', ')}; absent: everything.`,
    { type: 'list of scopes', secret: 'none' },
  ),
  channels: key(
    list(channelPattern()).min(1, some).optional(),
    'The channels that it may name, as names and patterns; absent: all.',
    { type: 'list of patterns', secret: 'none' },
  ),
});

export const api = section({
  keys: key(
    list(
      z.union([keyText, limitedKey], {
        error:
          'must be a text of printable ASCII without spaces, or { key, name, scopes, channels } for one that may not do everything',
      }),
    ).default([]),
    'Keys that the server API accepts, each a text, or `{ key, name, scopes, channels }` for one that may not do everything; several make it possible to change one without a pause.',
    { secret: 'value', type: 'list of texts and objects' },
  ),
  listen: key(
    listenAddress().optional(),
    'Serves the API, the metrics and the probes on an address of their own, and no longer on the main one.',
    { type: 'host:port' },
  ),
});

export type ApiConfig = z.output<typeof api>;
