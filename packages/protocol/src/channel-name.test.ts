/** What a channel may be called, and what is said when it may not. */
import { describe, expect, it } from 'vitest';
import { channelNameFault } from './channel-name.ts';

describe('channelNameFault', () => {
  it('finds nothing wrong with ordinary names', () => {
    for (const name of [
      'a',
      'chat:zhang',
      'user:42',
      'комната/1',
      '房间',
      'a$b@c',
      '😀',
      '0',
      '"quoted"',
      'a\\b',
      '*',
    ]) {
      expect(channelNameFault(name), name).toBeUndefined();
    }
  });

  it('wants at least one byte', () => {
    expect(channelNameFault('')).toBe('must not be empty');
  });

  it('counts the limit in bytes of UTF-8, not in characters', () => {
    expect(channelNameFault('x'.repeat(255))).toBeUndefined();
    expect(channelNameFault('x'.repeat(256))).toBe('must not be longer than 255 bytes of UTF-8');
    expect(channelNameFault('房'.repeat(85))).toBeUndefined();
    expect(channelNameFault(`${'房'.repeat(85)}x`)).toBe('must not be longer than 255 bytes of UTF-8');
    expect(channelNameFault(`${'😀'.repeat(63)}xyz`)).toBeUndefined();
    expect(channelNameFault('😀'.repeat(64))).toBe('must not be longer than 255 bytes of UTF-8');
  });

  it('refuses every control character of ASCII and Latin-1, and spaces', () => {
    const controls = Array.from({ length: 0xa1 }, (_, unit) => unit).filter(
      (unit) => unit <= 0x20 || unit >= 0x7f,
    );
    const spaces = [0x1680, 0x2003, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff];
    for (const unit of [...controls, ...spaces]) {
      const name = `a${String.fromCharCode(unit)}b`;
      expect(channelNameFault(name), `U+${unit.toString(16)}`).toBe(
        'must not contain spaces or control characters',
      );
    }
  });

  it('refuses unpaired surrogates', () => {
    expect(channelNameFault('a\ud800')).toBe('must be well-formed Unicode');
    expect(channelNameFault('\udc00a')).toBe('must be well-formed Unicode');
  });

  it('keeps $ for the server and @ for aliases, at the beginning only', () => {
    expect(channelNameFault('$server')).toContain("must not begin with '$'");
    expect(channelNameFault('@user')).toContain("must not begin with '@'");
    expect(channelNameFault('a$')).toBeUndefined();
    expect(channelNameFault('a@')).toBeUndefined();
  });
});
