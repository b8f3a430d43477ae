import { expect, test } from 'vitest';
import { historyText } from './history-text.ts';

const page = {
  epoch: 'e"1',
  top: 9,
  oldest: 1,
  publications: [
    { offset: 8, data: '{"b":12345678901234567890,"a":1.0}' },
    { offset: 9, data: '"AA=="', binary: true as const, exclude: { sessions: ['s'] } },
  ],
};

test('CMD6 data stands there as it was published', () => {
  expect(historyText(page)).toBe(
    '{"publications":[{"offset":8,"data":{"b":12345678901234567890,"a":1.0}},{"offset":9,"data":"AA==","binary":true}],"epoch":"e\\"1","offset":9}',
  );
});

test('CMD6 what is not for the asker is left out', () => {
  expect(historyText(page, ({ exclude }) => exclude === undefined)).toBe(
    '{"publications":[{"offset":8,"data":{"b":12345678901234567890,"a":1.0}}],"epoch":"e\\"1","offset":9}',
  );
});

test('an empty history has no publications', () => {
  expect(historyText({ epoch: 'e', top: 0, oldest: 1, publications: [] })).toBe(
    '{"publications":[],"epoch":"e","offset":0}',
  );
});
