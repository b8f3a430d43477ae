import { afterEach, expect, test, vi } from 'vitest';
import { complete, webSocketUrl } from './options.ts';

afterEach(() => vi.unstubAllGlobals());

test.each([
  ['http://127.0.0.1:6790', 'ws://127.0.0.1:6790/ws'],
  ['https://push.example.com/', 'wss://push.example.com/ws'],
  ['ws://127.0.0.1:6790/ws', 'ws://127.0.0.1:6790/ws'],
  ['wss://example.com/push/ws?node=1#top', 'wss://example.com/push/ws?node=1'],
])('%s means %s', (address, url) => {
  expect(webSocketUrl(address)).toBe(url);
});

test('in a page the default is its own server, and a path is meant from there', () => {
  vi.stubGlobal('location', { href: 'https://example.com/chat/index.html?x=1' });
  expect(webSocketUrl(undefined)).toBe('wss://example.com/ws');
  expect(webSocketUrl('/live')).toBe('wss://example.com/live');
});

test('outside a page an address is needed', () => {
  expect(() => webSocketUrl(undefined)).toThrow(TypeError);
});

test('a runtime without WebSocket is told what to do', () => {
  vi.stubGlobal('WebSocket', undefined);
  expect(() => complete('ws://a', {}, {})).toThrow(
    'nothing here to connect with: give a WebSocket as an option',
  );
});
