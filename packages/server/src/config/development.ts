/** What development mode adds, so that everything can be tried at once: open channels, customers for the demos, rendezvous. */
import type { CompleteConfig } from './schema.ts';

/** Why a value is in force that nobody wrote. */
const reason = 'development mode';

type Rule = CompleteConfig['channels'][string];

const open: Rule = {
  subscribe: 'anyone',
  publish: 'anyone',
  history: { size: 100, ttl: '10m' },
  presence: { announce: false },
  inbox: false,
};

/** The same for everybody, and for the user whom it names an inbox. */
const userChannel = { 'user:{uid}': { ...open, inbox: true } } as const;

/** Who can log in where nothing else says so: the customers of the message center demo. */
const customers: CompleteConfig['auth']['tokens'] = {
  'demo-ada': { user: 'ada', info: { name: 'Ada' }, tags: { vip: true, city: 'london' } },
  'demo-lin': { user: 'lin', info: { name: 'Lin' }, tags: { vip: true, city: 'shanghai' } },
  'demo-max': { user: 'max', info: { name: 'Max' }, tags: { city: 'berlin' } },
};

/** Adds what the config does not say itself. `reasons` is told the paths. */
export function withDevelopment(
  config: CompleteConfig,
  isGiven: (path: string) => boolean,
  reasons: Map<string, string>,
): CompleteConfig {
  const { auth, channels, rendezvous } = config;
  const hasNoRules = Object.keys(channels).length === 0;
  const hasNoUsers = !['tokens', 'jwt', 'callback'].some((way) => isGiven(`auth.${way}`));
  const missing = {
    'auth.anonymous': !isGiven('auth.anonymous'),
    'auth.tokens': hasNoUsers,
    'channels["user:{uid}"]': hasNoRules,
    'channels["*"]': channels['*'] === undefined,
    rendezvous: rendezvous === undefined,
  };
  for (const [path, isMissing] of Object.entries(missing)) if (isMissing) reasons.set(path, reason);
  return {
    ...config,
    auth: {
      ...auth,
      ...(missing['auth.anonymous'] && { anonymous: true }),
      ...(hasNoUsers && { tokens: customers }),
    },
    channels: { ...channels, ...(hasNoRules && userChannel), ...(missing['channels["*"]'] && { '*': open }) },
    rendezvous: rendezvous ?? { ttl: '2m', path: '/rendezvous', limits: { open: 100_000, perAddress: 20 } },
  };
}
