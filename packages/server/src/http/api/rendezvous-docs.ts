/** What the pages of the rendezvous methods have in common. */
import type { PostStep, Refusal } from './method-docs.ts';

/** The code and the secret of {@link drawn}; the test puts the real ones in their place. */
export const drawnCode = 'sJ4mYd0TzQ1cW8vB';
export const drawnSecret = 'e7LrXk2NfUaP5hGi';

/** A first step: a browser draws a code. */
export const drawn: PostStep = {
  says: 'A browser draws a code:',
  post: '/rendezvous',
  answer: {
    code: drawnCode,
    secret: drawnSecret,
    channel: 'rendezvous:Qd6oRb9KxV3tMn1E',
    expires: 120,
  },
  varies: ['code', 'secret', 'channel', 'expires'],
};

export const rendezvousRefusals = {
  conflict: {
    error: 'conflict',
    when: 'Another device was first, or the step was taken already, or the data was collected.',
  },
  gone: { error: 'gone', when: 'The code is unknown, has expired or was cancelled. Draw a new one.' },
  off: { error: 'notAvailable', when: 'The config has no `rendezvous`.' },
  tooLong: { error: 'limitExceeded', when: '`info` or `data` is too long; the message names the limit.' },
} as const satisfies Record<string, Refusal>;
