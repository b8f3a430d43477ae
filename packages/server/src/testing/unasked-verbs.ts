/** A node that fails the test when a method of the server API asks it anything. */
import { expect } from 'vitest';
import type { Verbs } from '../http/api/method.ts';

const never = (): never => expect.fail('the node is not asked');

export const unaskedVerbs: Verbs = {
  publish: never,
  history: never,
  removeHistory: never,
  channels: never,
  subscribers: never,
  get reach() {
    return never();
  },
  get presence() {
    return never();
  },
  get inboxes() {
    return never();
  },
  get deliveries() {
    return never();
  },
  info: never,
};
