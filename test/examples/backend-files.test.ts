import { expect, test } from 'vitest';
import { faultsOfBackend } from './backend-files.ts';

const good = "import express from 'express';\nawait carillon('send', { to: { where }, data: { title } });";

test('a backend that is right has no faults', () => {
  expect(faultsOfBackend(good)).toEqual([]);
});

test.each([
  ['const = 1', 'Expected identifier'],
  [good.replace('express', 'expres').replace("'express'", "'expres'"), "'expres' is no known framework"],
  [good.replace("'send'", "'sned'"), "there is no method 'sned'"],
  [good.replace('data:', 'date:'), "'send' takes no 'date'"],
  ["import express from 'express';", 'it calls no method'],
])('%j: %s', (code, fault) => {
  expect(faultsOfBackend(code).join()).toContain(fault);
});
