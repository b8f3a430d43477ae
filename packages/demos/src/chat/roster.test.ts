import { describe, expect, test } from 'vitest';
import { believedMs, Roster } from './roster.ts';

const me = { id: 'm', name: 'Me' };
const names = (roster: Roster, now: number): string[] => roster.people(now, me).map(({ name }) => name);

describe('roster', () => {
  test('puts the reader first and the others in the order of their names', () => {
    const roster = new Roster();
    roster.hear({ type: 'here', id: '2', name: 'Wren', at: 0 }, 0, true);
    roster.hear({ type: 'here', id: '1', name: 'Fox', at: 0 }, 0, true);
    roster.hear({ type: 'here', id: 'm', name: 'An older name of mine', at: 0 }, 0, true);
    expect(names(roster, 1)).toEqual(['Me', 'Fox', 'Wren']);
  });

  test('forgets who was not heard of for too long, and who said goodbye', () => {
    const roster = new Roster();
    roster.hear({ type: 'here', id: '1', name: 'Fox', at: 0 }, 0, true);
    roster.hear({ type: 'here', id: '2', name: 'Wren', at: 0 }, 10, true);
    expect(names(roster, believedMs)).toEqual(['Me', 'Wren']);
    roster.hear({ type: 'gone', id: '2', name: 'Wren', at: 0 }, believedMs, true);
    expect(names(roster, believedMs)).toEqual(['Me']);
  });

  test('believes a live message whatever its clock says, and a replayed one as long as it was fresh', () => {
    const roster = new Roster();
    const now = 1_000_000;
    roster.hear({ type: 'here', id: '1', name: 'Slow clock', at: 5 }, now, true);
    roster.hear({ type: 'here', id: '2', name: 'Long gone', at: now - believedMs }, now, false);
    roster.hear({ type: 'here', id: '3', name: 'Just now', at: now - 1 }, now, false);
    roster.hear({ type: 'here', id: '4', name: 'Fast clock', at: now * 2 }, now, false);
    expect(names(roster, now)).toEqual(['Me', 'Fast clock', 'Just now', 'Slow clock']);
    expect(names(roster, now + believedMs)).toEqual(['Me']);
  });

  test('shows one person once, under the latest name', () => {
    const roster = new Roster();
    roster.hear({ type: 'here', id: '1', name: 'Fox', at: 0 }, 0, true);
    roster.hear({ type: 'here', id: '1', name: 'Owl', at: 0 }, 1, true);
    expect(names(roster, 2)).toEqual(['Me', 'Owl']);
  });

  test('passes over what anybody else publishes there', () => {
    const roster = new Roster();
    for (const data of [
      undefined,
      null,
      'here',
      7,
      [],
      {},
      { type: 'here', id: 1, name: 'x', at: 0 },
      { type: 'x' },
    ]) {
      roster.hear(data, 0, true);
    }
    expect(names(roster, 1)).toEqual(['Me']);
  });
});
