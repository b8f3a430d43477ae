import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { Origins } from './origin.ts';

function request(headers: Record<string, string>): IncomingMessage {
  return { headers } as unknown as IncomingMessage;
}

const development = new Origins({ development: true, hosts: ['push.example.com'], origins: [] });
const listed = new Origins({
  development: false,
  hosts: [],
  origins: ['https://example.com', 'https://Shop.example.com:8443/', 'capacitor://localhost'],
});

test.each([
  'localhost',
  'localhost:6790',
  'LOCALHOST:6790',
  '127.0.0.1:6790',
  '127.3.2.1',
  '[::1]:6790',
  '[::1]',
  'push.example.com',
  'Push.Example.com:80',
])('in development mode the Host %s is let in', (host) => {
  development.checkHost(request({ host }));
});

test.each([
  'evil.example',
  'localhost.evil.example',
  'evil.localhost',
  '10.0.0.1',
  '127.0.0.1.evil.example',
  '[::2]',
  '',
])('in development mode the Host %j is refused', (host) => {
  expect(() => development.checkHost(request({ host }))).toThrow(
    'in development mode the Host must be a loopback name',
  );
});

test('a Host that passed does not open the door for another', () => {
  development.checkHost(request({ host: 'localhost' }));
  expect(() => development.checkHost(request({ host: 'evil.example' }))).toThrow('hosts');
  expect(() => development.checkHost(request({}))).toThrow('hosts');
});

test('outside development mode any Host will do', () => {
  listed.checkHost(request({ host: 'evil.example' }));
});

test.each([
  ['no Origin', {}],
  ['its own host', { origin: 'http://push.test:6790' }],
  ['its own host behind a proxy that ends TLS', { origin: 'https://push.test:6790' }],
  ['a listed origin', { origin: 'https://example.com' }],
  ['a listed origin in other letters', { origin: 'https://shop.EXAMPLE.com:8443' }],
  ['a listed origin of another scheme', { origin: 'capacitor://localhost' }],
])('a WebSocket is let in with %s', (_, headers) => {
  listed.checkWebSocket(request({ host: 'push.test:6790', ...headers }));
});

test('the default port of a scheme may be written or not', () => {
  listed.checkWebSocket(request({ host: 'push.test', origin: 'https://push.test' }));
  listed.checkWebSocket(request({ host: 'push.test:443', origin: 'https://push.test' }));
});

test.each([
  'http://evil.example',
  'https://push.test',
  'http://example.com',
  'https://example.com.evil',
  'null',
  '',
  'nonsense',
])('a WebSocket is refused with Origin %j', (origin) => {
  expect(() => listed.checkWebSocket(request({ host: 'push.test:6790', origin }))).toThrow("'origins'");
});

test.each([
  ['nothing said (no browser)', {}],
  [
    'its own page',
    { origin: 'http://push.test', 'sec-fetch-site': 'same-origin', referer: 'http://push.test/chat' },
  ],
  ['a listed page', { origin: 'https://example.com', 'sec-fetch-site': 'cross-site' }],
  [
    'a listed page by its Referer',
    { referer: 'https://example.com/page?q=1', 'sec-fetch-site': 'cross-site' },
  ],
])('a request without a key is let in from %s', (_, headers) => {
  listed.checkCrossSite(request({ host: 'push.test', ...headers }));
});

test.each([
  ['another site', { 'sec-fetch-site': 'cross-site' }],
  ['a foreign Origin', { origin: 'http://evil.example' }],
  ['a foreign Referer', { referer: 'http://evil.example/x' }],
  [
    'a foreign Referer beside its own Origin',
    { origin: 'http://push.test', referer: 'http://evil.example/x' },
  ],
  ['a frame without an origin', { origin: 'null' }],
])('a request without a key is refused from %s', (_, headers) => {
  expect(() => listed.checkCrossSite(request({ host: 'push.test', ...headers }))).toThrow('another site');
});

test("'*' lists every origin", () => {
  const all = new Origins({ development: false, hosts: [], origins: ['*'] });
  all.checkWebSocket(request({ host: 'push.test', origin: 'null' }));
  all.checkCrossSite(request({ host: 'push.test', origin: 'http://x.test', 'sec-fetch-site': 'cross-site' }));
  expect(all.cors({ origin: 'http://x.test' })).toContain('*');
});

test('only a listed origin may read answers', () => {
  expect(listed.cors({ origin: 'https://example.com' }).slice(0, 2)).toEqual([
    'Access-Control-Allow-Origin',
    'https://example.com',
  ]);
  expect(listed.cors({ origin: 'http://evil.example' })).toEqual(['Vary', 'Origin']);
  expect(listed.cors({})).toEqual([]);
});

test('a refused origin is told once', () => {
  const told: string[] = [];
  const strict = new Origins({
    development: false,
    hosts: [],
    origins: [],
    refused: (origin) => told.push(origin),
  });
  for (const origin of ['http://a.example', 'http://a.example', 'http://b.example']) {
    expect(() => strict.checkWebSocket(request({ origin, host: 'push.example' }))).toThrow();
  }
  expect(told).toEqual(['http://a.example', 'http://b.example']);
});
