/** The names of all hooks: those that are asked, and those that are told. */
import type { HookName } from '../core/hooks.ts';
import type { LifecycleName } from '../core/lifecycle.ts';

/** Their answer counts. */
export const askedHooks = [
  'connect',
  'auth',
  'subscribe',
  'publish',
  'message',
  'call',
] as const satisfies readonly HookName[];

/** Nobody waits for them. That a session begins is asked, not told. */
export const toldHooks = [
  'disconnect',
  'channelOccupied',
  'channelVacated',
  'userOnline',
  'userOffline',
  'inboxOverdue',
] as const satisfies readonly LifecycleName[];

export type ToldHook = (typeof toldHooks)[number];
export type AnyHook = HookName | ToldHook;

export const hookNames: readonly AnyHook[] = [...askedHooks, ...toldHooks];

const told: ReadonlySet<string> = new Set(toldHooks);

export function isTold(name: string): name is ToldHook {
  return told.has(name);
}
