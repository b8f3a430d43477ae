/** What the operator sees of the customers, asked for again and again: one batch, so that it is one moment. */
import { callApi } from '../../shared/request.ts';
import { customers } from '../customers.ts';
import { group, membersOf } from './audience.ts';

export interface CustomerState {
  readonly user: string;
  /** Connections that are open now. */
  readonly devices: number;
  /** Notifications that were read on no device. */
  readonly unread: number;
}

export interface DeskState {
  readonly customers: readonly CustomerState[];
  readonly members: readonly string[];
}

const askEveryMs = 1_500;

interface Answer {
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** Asks until the page is gone; a page that nobody looks at asks nothing. */
export function followDesk(told: (state: DeskState) => void, failed: (error: unknown) => void): void {
  const ask = (): void => {
    const next = document.hidden ? Promise.resolve() : askDesk().then(told).catch(failed);
    void next.then(() => setTimeout(ask, askEveryMs));
  };
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) askDesk().then(told).catch(failed);
  });
  ask();
}

export async function askDesk(): Promise<DeskState> {
  const requests = [
    { method: 'group', params: { group } },
    ...customers.flatMap(({ user }) => [
      { method: 'user', params: { user } },
      { method: 'inbox_unread', params: { user } },
    ]),
  ];
  const { results } = (await callApi('batch', { requests })) as { readonly results: readonly Answer[] };
  const [members, ...answers] = results.map(resultOf);
  return {
    members: membersOf(members),
    customers: customers.map(({ user }, at) => ({
      user,
      devices: (answers[2 * at] as { readonly sessions: readonly string[] }).sessions.length,
      unread: (answers[2 * at + 1] as { readonly unread: number }).unread,
    })),
  };
}

function resultOf({ result, error }: Answer): unknown {
  if (error !== undefined) throw new Error(error.message);
  return result;
}
