/** Whom the operator means, how it is delivered, and the requests of the server API that do it. */
import { customers } from '../customers.ts';
import type { Notice } from '../notice.ts';

export type Audience =
  | { readonly to: 'customer'; readonly user: string }
  | { readonly to: 'group'; readonly group: string }
  | { readonly to: 'tags'; readonly where: string }
  | { readonly to: 'everybody' };

/** `inbox`: kept for each customer until it is read. `now`: for whoever is connected, and kept nowhere. */
export type Delivery = 'inbox' | 'now';

/** The shop's group of the demo. */
export const group = 'regulars';

export interface Call {
  readonly method: string;
  readonly params: object;
}

/** Asks a method of the server API and resolves with its result. */
export type CallApi = (method: string, params: object) => Promise<unknown>;

export interface Outcome {
  /** What was asked, in this order. */
  readonly calls: readonly Call[];
  /** Customers whose inbox has it now, or sessions that it reached. */
  readonly reached: number;
}

/** Sends it. `call` is given each request. */
export async function push(
  audience: Audience,
  delivery: Delivery,
  notice: Notice,
  call: CallApi,
): Promise<Outcome> {
  const calls: Call[] = [];
  const ask: CallApi = (method, params) => {
    calls.push({ method, params });
    return call(method, params);
  };
  if (delivery === 'now') {
    const { sessions } = (await ask('send', { to: targetOf(audience), event: 'notice', data: notice })) as {
      readonly sessions: number;
    };
    return { calls, reached: sessions };
  }
  const users = await usersOf(audience, ask);
  await keep(users, notice, ask);
  return { calls, reached: users.length };
}

/** One request for one inbox, one batch for several. */
async function keep(users: readonly string[], notice: Notice, ask: CallApi): Promise<void> {
  const [first, ...others] = users.map((user) => ({ user, data: notice }));
  if (first === undefined) return;
  if (others.length === 0) {
    await ask('inbox_push', first);
    return;
  }
  const requests = [first, ...others].map((params) => ({ method: 'inbox_push', params }));
  const { results } = (await ask('batch', { requests })) as {
    readonly results: readonly { readonly error?: { readonly message: string } }[];
  };
  const refused = results.find(({ error }) => error !== undefined);
  if (refused?.error !== undefined) throw new Error(refused.error.message);
}

/**
 * Whose inboxes are meant. The shop knows all its customers, and the server the members of a group, online or not; tags belong to
 * sessions, so an expression means those who are connected.
 */
async function usersOf(audience: Audience, ask: CallApi): Promise<readonly string[]> {
  if (audience.to === 'customer') return [audience.user];
  if (audience.to === 'everybody') return customers.map(({ user }) => user);
  if (audience.to === 'group') return membersOf(await ask('group', { group: audience.group }));
  const { sessions } = (await ask('sessions', { to: { where: audience.where } })) as {
    readonly sessions: readonly { readonly user?: string }[];
  };
  const users = sessions.flatMap(({ user }) => (user === undefined ? [] : [user]));
  return [...new Set(users)];
}

/** The users of what `group` answers. */
export function membersOf(answer: unknown): readonly string[] {
  const { members } = answer as { readonly members: readonly { readonly user?: string }[] };
  return members.flatMap(({ user }) => (user === undefined ? [] : [user]));
}

function targetOf(audience: Audience): object {
  switch (audience.to) {
    case 'customer':
      return { user: audience.user };
    case 'group':
      return { group: audience.group };
    case 'tags':
      return { where: audience.where };
    case 'everybody':
      return { all: true };
  }
}
