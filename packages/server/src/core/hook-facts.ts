/** What hooks are told of a client. */
import type { Identity } from './access.ts';
import type { HookClient } from './hooks.ts';

/** Members that are not known are left out. */
export function factsOf({ user, info, tags, channels }: Identity): Omit<HookClient, 'session'> {
  return {
    ...(user !== undefined && { user }),
    ...(info !== undefined && { info }),
    ...(tags !== undefined && { tags }),
    ...(channels !== undefined && { channels }),
  };
}

export function clientOf({ id, identity }: { readonly id: string; readonly identity: Identity }): HookClient {
  return { session: id, ...factsOf(identity) };
}
