/** The customers of the shop. In development mode the server knows them by these tokens; a shop of its own asks its database. */
import { avatarOf } from '../shared/avatar.ts';
import type { LanguageCode } from '../shared/language.ts';

export interface Customer {
  readonly user: string;
  readonly names: Readonly<Record<LanguageCode, string>>;
  /** What logs the customer in: a real backend signs one after it has checked a password. */
  readonly token: string;
  /** The tags that come with the token, as the operator writes them in an expression. */
  readonly tags: readonly string[];
  /** The colour of the avatar, so that it is the same in every language. */
  readonly hue: number;
}

export const customers: readonly Customer[] = [
  {
    user: 'ada',
    names: { en: 'Ada', zh: '艾达' },
    token: 'demo-ada',
    tags: ['vip', 'city=london'],
    hue: 238,
  },
  {
    user: 'lin',
    names: { en: 'Lin', zh: '小林' },
    token: 'demo-lin',
    tags: ['vip', 'city=shanghai'],
    hue: 330,
  },
  { user: 'max', names: { en: 'Max', zh: '马克' }, token: 'demo-max', tags: ['city=berlin'], hue: 28 },
];

/** The customer of that name, and undefined where the shop has none. */
export function customerOf(user: string | null | undefined): Customer | undefined {
  return customers.find((customer) => customer.user === user);
}

/** The customer's round mark. */
export function faceOf({ names, hue }: Customer, code: LanguageCode): HTMLSpanElement {
  const face = avatarOf(names[code]);
  face.style.setProperty('--hue', `${hue}deg`);
  return face;
}

/** Where the notifications of a customer are published. */
export function inboxOf(user: string): string {
  return `user:${user}`;
}
