import { expect, it } from 'vitest';
import { processingKey } from './list.ts';

it.each([
  ['jobs', false, 'jobs:processing:me'],
  ['jobs', true, '{jobs}:processing:me'],
  ['{app}:jobs', true, '{app}:jobs:processing:me'],
])('the processing list of %s (in a Cluster: %s) is %s', (key, isCluster, processing) => {
  expect(processingKey(key, 'me', isCluster)).toBe(processing);
});
