/** What hooks are told of a client, and what may be made of their answers. */
import { isNestedDeeper, type JsonText, limits } from '@carillon/protocol';
import type { Identity } from './access.ts';
import type { HookClient, HookName } from './hooks.ts';

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

/** Data that a hook answered goes to clients. @throws {Error} it is such that their parsers may fail: the application's fault. */
export function checkAnswered(name: HookName, data: JsonText): JsonText {
  if (!isNestedDeeper(data, limits.nesting)) return data;
  throw new Error(`the hook '${name}' answered data that is nested deeper than ${limits.nesting} levels`);
}
