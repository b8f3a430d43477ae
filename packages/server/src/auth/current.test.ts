import { expect, test } from 'vitest';
import type { Identity } from '../core/access.ts';
import { CurrentAuthenticator } from './current.ts';

/** Answers when it is told to. */
class HeldAuthenticator {
  readonly admitsAnonymous: boolean;
  closed = 0;
  readonly #asked: ((identity: Identity) => void)[] = [];

  constructor(admitsAnonymous: boolean) {
    this.admitsAnonymous = admitsAnonymous;
  }

  authenticate(): Promise<Identity> {
    return new Promise((resolve) => this.#asked.push(resolve));
  }

  answer(identity: Identity): void {
    for (const resolve of this.#asked.splice(0)) resolve(identity);
  }

  close(): void {
    this.closed += 1;
  }
}

test('another authenticator is asked from then on; the former answers what it was asked, and is closed then', async () => {
  const [former, later] = [new HeldAuthenticator(false), new HeldAuthenticator(true)];
  const current = new CurrentAuthenticator(former);
  expect(current.admitsAnonymous).toBe(false);
  const [one, two] = [current.authenticate('t'), current.authenticate('t')];
  current.replace(later);
  expect(current.admitsAnonymous).toBe(true);
  const three = current.authenticate('t');
  expect(former.closed).toBe(0);
  former.answer({ user: 'former' });
  expect(await Promise.all([one, two])).toEqual([{ user: 'former' }, { user: 'former' }]);
  expect(former.closed).toBe(1);
  later.answer({ user: 'later' });
  expect(await three).toEqual({ user: 'later' });
  expect(later.closed).toBe(0);
  current.close();
  expect([former.closed, later.closed]).toEqual([1, 1]);
});

test('one that was asked nothing is closed at once', () => {
  const former = new HeldAuthenticator(false);
  new CurrentAuthenticator(former).replace(new HeldAuthenticator(false));
  expect(former.closed).toBe(1);
});
