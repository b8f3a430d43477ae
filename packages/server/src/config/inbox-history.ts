/** What an inbox keeps where its rule does not say: enough for a user who is away. */
import { formatPath } from './faults.ts';
import type { CompleteConfig } from './schema.ts';

const inboxHistory = { size: 1_000, ttl: '30d' } as const;

type Channels = CompleteConfig['channels'];

/** `reasons` is told what was filled in. */
export function withInboxHistory(
  channels: Channels,
  isGiven: (path: readonly string[]) => boolean,
  reasons: Map<string, string>,
): Channels {
  const filled = Object.entries(channels).map(([pattern, rule]): [string, Channels[string]] => {
    if (rule.inbox === false) return [pattern, rule];
    const history = { ...inboxHistory, ...rule.history };
    for (const name of ['size', 'ttl'] as const) {
      const path = ['channels', pattern, 'history', name];
      if (isGiven(path)) continue;
      Object.assign(history, { [name]: inboxHistory[name] });
      reasons.set(formatPath(path, {}), 'an inbox');
    }
    return [pattern, { ...rule, history }];
  });
  return Object.fromEntries(filled);
}
