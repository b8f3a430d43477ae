import { describe, expect, test } from 'vitest';
import { addressOfRoom, roomOfAddress, tidyRoom } from './rooms.ts';

describe('rooms', () => {
  test('a name is made usable where it can be', () => {
    expect(tidyRoom(' #Team  room ')).toBe('Team-room');
    expect(tidyRoom('聊天 室')).toBe('聊天-室');
    expect(tidyRoom(' # ')).toBeUndefined();
    expect(tidyRoom('a\u0000b')).toBeUndefined();
  });

  test('a long name is cut to what a channel can hold', () => {
    expect(tidyRoom('室'.repeat(200))).toHaveLength(60);
    expect(tidyRoom(`${'x'.repeat(59)}😀`)?.isWellFormed()).toBe(true);
  });

  test('the address names the room, and the lobby is the default', () => {
    expect(roomOfAddress({ hash: '', search: '' })).toBe('lobby');
    expect(roomOfAddress({ hash: '#', search: '?room=tea' })).toBe('tea');
    expect(roomOfAddress({ hash: '#coffee', search: '?room=tea' })).toBe('coffee');
    expect(roomOfAddress({ hash: '#%E8%8C', search: '' })).toBe('%E8%8C');
    for (const room of ['lobby', '聊天室', 'a#b%?']) {
      expect(roomOfAddress({ hash: addressOfRoom(room), search: '' })).toBe(room);
    }
  });
});
