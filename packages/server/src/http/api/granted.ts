/** The methods of the server API for keys that may not do everything: scope and channels are judged before anything is done. */
import type { Grant } from './grant.ts';
import type { ApiMethod, Prepared, RawParams, Verbs } from './method.ts';
import { type ChannelField, type Permission, permissions } from './permissions.ts';
import type { Fault } from './validate.ts';

type Params = Readonly<Record<string, unknown>>;

/** Without a grant the method is as it was, and that costs one look. */
export function granted(method: ApiMethod): ApiMethod {
  const permission = permissionOf(method.name);
  return {
    ...method,
    prepare(input, raw, verbs, grant) {
      if (grant === undefined) return method.prepare(input, raw, verbs);
      return prepareFor(grant, permission, method, { input, raw, verbs });
    },
  };
}

interface Request {
  readonly input: unknown;
  readonly raw: RawParams;
  readonly verbs: Verbs;
}

function prepareFor(
  grant: Grant,
  { scope, names }: Permission,
  method: ApiMethod,
  { input, raw, verbs }: Request,
): Prepared | readonly Fault[] {
  grant.requireScope(scope);
  // A batch is as many requests as it has.
  if (scope !== undefined) grant.use();
  const prepared = method.prepare(input, raw, names === 'pattern' ? narrowed(verbs, grant) : verbs, grant);
  // Only what was found good has its channels where they are looked for.
  if (typeof prepared === 'function')
    for (const channel of channelsIn(input as Params, names, verbs)) grant.requireChannel(channel);
  return prepared;
}

/** A method that the table forgot is for whoever may do everything. */
export function permissionOf(name: string): Permission {
  return Object.hasOwn(permissions, name) ? (permissions[name] ?? {}) : { scope: 'admin' };
}

/** @throws {ReplyError} 107, 108 where no inbox is the one that is meant. */
function channelsIn(params: Params, names: ChannelField | undefined, { inboxes }: Verbs): readonly string[] {
  if (names === undefined || names === 'pattern') return [];
  if (names === 'inbox') {
    const { user, channel } = params;
    return [user === undefined ? String(channel) : inboxes.named({ user: String(user) }).channel];
  }
  const { [names]: value } = params;
  const named: unknown = names === 'to' ? (value as Params | undefined)?.['channel'] : value;
  return [named].flat().filter((channel) => typeof channel === 'string');
}

/** A list of channels has those only that the key is good for. */
function narrowed(verbs: Verbs, grant: Grant): Verbs {
  return { ...verbs, channels: (pattern) => verbs.channels(pattern, grant.channels) };
}
