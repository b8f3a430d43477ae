import { expect, test } from 'vitest';
import { positionField } from './command.ts';

test.each([
  [1, "'since' must be an object"],
  [{ epoch: 'e' }, "'since.offset' must be a whole number from 0"],
  [{ epoch: 'e', offset: -1 }, "'since.offset' must be a whole number from 0"],
  [{ offset: 1 }, "'since.epoch' is required"],
  [{ epoch: 1, offset: 1 }, "'since.epoch' must be a string"],
  [{ epoch: '', offset: 1 }, "'since.epoch' must not be empty"],
  [{ epoch: 'e'.repeat(256), offset: 1 }, "'since.epoch' must not be longer than 255 bytes"],
])('the position %j is refused by the name of its field', (since, fault) => {
  expect(() => positionField({ since }, 'since')).toThrow(fault);
});
