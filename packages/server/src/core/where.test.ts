import { expect, test } from 'vitest';
import { TagIndex, type Tags } from './tag-index.ts';
import { parseWhere, WhereError } from './where.ts';

const people: Readonly<Record<string, Tags>> = {
  ann: { vip: true, city: 'sh', dev: 'ios', level: 3 },
  bob: { vip: false, city: 'sh', dev: 'web', level: '3' },
  cat: { city: 'bj', dev: 'ios' },
  dan: { vip: 'gold', 'first name': 'Dan "D"' },
  eve: {},
};

function indexOf(all: Readonly<Record<string, Tags>> = people): TagIndex<string> {
  const index = new TagIndex<string>();
  for (const [name, tags] of Object.entries(all)) index.set(name, tags);
  return index;
}

function who(expression: string): string {
  return indexOf().select(parseWhere(expression), Object.keys(people)).toSorted().join(' ');
}

test.each([
  ['vip', 'ann dan'],
  ['vip=true', 'ann'],
  ['vip=false', 'bob'],
  ['city', 'ann bob cat'],
  ['city=sh', 'ann bob'],
  ['level=3', 'ann bob'],
  ['vip & city=sh & !dev=ios', ''],
  ['city=sh & !dev=ios', 'bob'],
  ['city=sh|dev=ios', 'ann bob cat'],
  ['vip | city=bj & dev=ios', 'ann cat dan'],
  ['(vip | city=bj) & dev=ios', 'ann cat'],
  ['!city', 'dan eve'],
  ['!(city | vip)', 'eve'],
  ['!!vip', 'ann dan'],
  ['!(!vip & !city=bj)', 'ann cat dan'],
  ['vip | !city', 'ann dan eve'],
  [' city = sh ', 'ann bob'],
  ['"first name"="Dan \\"D\\""', 'dan'],
  ['nobody', ''],
  ['nobody=x & vip', ''],
])('ADR5 %j means %j', (expression, expected) => {
  expect(who(expression)).toBe(expected);
});

test.each([
  ['', 'must not be empty; for everybody use {"all": true}'],
  ['   ', 'must not be empty; for everybody use {"all": true}'],
  ['vip &', "needs a tag, '!' or '(' at character 6, where it ends"],
  ['vip && city', "needs a tag, '!' or '(' at character 6, where stands '&'"],
  ['vip city', "needs '&' or '|' at character 5, where stands 'city'"],
  ['(vip', "needs ')' at character 5, where it ends"],
  ['vip)', "needs '&' or '|' at character 4, where stands ')'"],
  ['city=', 'needs a value at character 6, where it ends'],
  ['city!=sh', "needs '&' or '|' at character 5, where stands '!'"],
  ['a & "b', 'has a quote at character 5 that does not end'],
  [`${'('.repeat(17)}a${')'.repeat(17)}`, "must not nest more than 16 parentheses and '!'"],
  [`${'!'.repeat(17)}a`, "must not nest more than 16 parentheses and '!'"],
  ['a'.repeat(1_025), 'must not be longer than 1024 bytes'],
])('ADR5 %j cannot be read: %s', (expression, message) => {
  expect(() => parseWhere(expression)).toThrow(new WhereError(message));
});

test('expressions side by side do not count as nested', () => {
  expect(who(`${'(nobody)|'.repeat(50)}vip`)).toBe('ann dan');
});

test('a session whose tags change is found by the new ones alone', () => {
  const index = indexOf();
  index.set('ann', { city: 'bj' });
  index.set('cat', undefined);
  expect(index.select(parseWhere('vip | city=bj | dev=ios'), [])).toEqual(['dan', 'ann']);
  expect(index.tags('cat')).toBeUndefined();
});

/** Counts how often it is asked to go through everybody. */
class Everybody {
  asked = 0;
  [Symbol.iterator](): Iterator<string> {
    this.asked += 1;
    return [][Symbol.iterator]();
  }
}

test.each([
  ['vip & !city=bj', 0],
  ['vip | city=bj & !vip', 0],
  ['!(!vip | city)', 0],
  ['!vip', 1],
  ['vip | !city', 1],
])('%j goes through everybody %i times', (expression, times) => {
  const everybody = new Everybody();
  indexOf().select(parseWhere(expression), everybody);
  expect(everybody.asked).toBe(times);
});

test('any expression selects those for whom it holds, as trying each of them says', () => {
  const names = ['a', 'b', 'c'];
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  const expression = (depth: number): string => {
    const kind = depth === 0 ? 0 : random(4);
    if (kind === 0) return `${names[random(3)]}${random(2) === 0 ? '' : `=${random(2)}`}`;
    if (kind === 1) return `!(${expression(depth - 1)})`;
    return `(${expression(depth - 1)} ${kind === 2 ? '&' : '|'} ${expression(depth - 1)})`;
  };
  const all = Object.fromEntries(
    Array.from({ length: 60 }, (_, at) => {
      const tags = names.filter(() => random(2) === 0).map((name) => [name, random(2)] as const);
      return [`s${at}`, Object.fromEntries(tags)];
    }),
  );
  const index = indexOf(all);
  for (let round = 0; round < 300; round++) {
    const text = expression(4);
    const script = text
      .replaceAll(/([abc])=(\d)/g, '(t.$1===$2)')
      .replaceAll(/(?<![.\w])([abc])(?![\w(])/g, '(t.$1!==undefined)');
    const holds = new Function('t', `return ${script}`) as (tags: Tags) => boolean;
    const expected = Object.keys(all).filter((name) => holds(all[name] ?? {}));
    const found = index.select(parseWhere(text), Object.keys(all));
    expect([text, found.toSorted()]).toEqual([text, expected.toSorted()]);
  }
});
