import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from './nearest.ts';

describe('the nearest known name', () => {
  it('counts letters that are missing, too many, wrong or swapped', () => {
    expect(editDistance('port', 'port')).toBe(0);
    expect(editDistance('prot', 'port')).toBe(1);
    expect(editDistance('pot', 'port')).toBe(1);
    expect(editDistance('ports', 'port')).toBe(1);
    expect(editDistance('pirt', 'port')).toBe(1);
    expect(editDistance('', 'port')).toBe(4);
  });

  it('is found for a slip, whatever the case', () => {
    expect(nearest('subscirbe', ['publish', 'subscribe'])).toBe('subscribe');
    expect(nearest('pinginterval', ['pingInterval', 'pongTimeout'])).toBe('pingInterval');
  });

  it('is not made up for something else entirely', () => {
    expect(nearest('color', ['host', 'port'])).toBeUndefined();
  });
});
