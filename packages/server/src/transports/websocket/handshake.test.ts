import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { RawClient, upgradeRequest } from '../../testing/raw-client.ts';
import { startHost, type WebSocketHost } from '../../testing/websocket-host.ts';

let host: WebSocketHost;
beforeAll(async () => {
  host = await startHost({ cookieName: 'session' });
});
afterAll(() => host.stop());

async function answer(bytes: string): Promise<{ status: number; head: string; body: () => Promise<string> }> {
  const client = new RawClient(host.port);
  client.socket.write(bytes);
  const response = await client.response();
  if (response.status === 101) client.socket.destroy();
  return response;
}

/** The token that a client with these headers is said to have. */
async function tokenOf(
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<string | undefined> {
  const index = host.listeners.length;
  await answer(upgradeRequest(path, headers));
  return (await host.listener(index)).request.token;
}

describe('the handshake', () => {
  test('answers the sample key of RFC 6455 with its sample answer', async () => {
    const { status, head } = await answer(upgradeRequest('/ws'));
    expect(status).toBe(101);
    expect(head).toContain('\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    expect(head).not.toContain('Extensions');
  });

  test.each([
    ['another version', { 'Sec-WebSocket-Version': '8' }],
    ['no version', { 'Sec-WebSocket-Version': undefined }],
  ])('with %s is answered with 426 and the version to use', async (_title, headers) => {
    const { status, head } = await answer(upgradeRequest('/ws', headers));
    expect(status).toBe(426);
    expect(head).toContain('\r\nSec-WebSocket-Version: 13');
  });

  test.each([
    ['without a key', { 'Sec-WebSocket-Key': undefined }, 'Sec-WebSocket-Key'],
    ['with a short key', { 'Sec-WebSocket-Key': 'c2hvcnQ=' }, 'Sec-WebSocket-Key'],
    [
      'with a key that is not base64',
      { 'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' },
      'Sec-WebSocket-Key',
    ],
    ['for another protocol', { Upgrade: 'h2c' }, 'Upgrade'],
    ['with a body', { 'Content-Length': '3' }, 'body'],
    ['with a malformed subprotocol', { 'Sec-WebSocket-Protocol': 'a,,b' }, 'Sec-WebSocket-Protocol'],
  ])('%s is refused with a JSON error that says why', async (_title, headers, word) => {
    const { status, head, body } = await answer(upgradeRequest('/ws', headers));
    expect(status).toBe(400);
    expect(head).toContain('Content-Type: application/json');
    expect(head).toContain('Connection: close');
    const { error } = JSON.parse(await body());
    expect(error.code).toBe(107);
    expect(error.message).toContain(word);
  });

  test.each([
    ['another method', upgradeRequest('/ws').replace('GET', 'POST')],
    ['HTTP/1.0', upgradeRequest('/ws').replace('HTTP/1.1', 'HTTP/1.0')],
  ])('by %s is refused', async (_title, request) => {
    expect((await answer(request)).status).toBe(400);
  });

  test('does not negotiate compression', async () => {
    const client = new WebSocket(`${host.url}/ws`, { perMessageDeflate: true });
    await new Promise((resolve) => client.once('open', resolve));
    expect(client.extensions).toBe('');
    client.terminate();
  });
});

describe('the subprotocol', () => {
  test.each([
    ['carillon', 'carillon'],
    ['bearer.abc, carillon', 'carillon'],
    ['other, carillon, bearer.abc', 'other'],
    ['bearer.abc', 'bearer.abc'],
  ])('of the offer %j is %j', async (offer, chosen) => {
    const { head } = await answer(upgradeRequest('/ws', { 'Sec-WebSocket-Protocol': offer }));
    expect(/Sec-WebSocket-Protocol: (.*)/.exec(head)?.[1]?.trim()).toBe(chosen);
  });

  test('is absent where none was offered', async () => {
    expect((await answer(upgradeRequest('/ws'))).head).not.toContain('Sec-WebSocket-Protocol');
  });
});

describe('the token', () => {
  test('comes from the query', async () => {
    expect(await tokenOf('/ws?a=1&token=a%2Bb.c')).toBe('a+b.c');
  });

  test('comes from the subprotocols', async () => {
    expect(await tokenOf('/ws', { 'Sec-WebSocket-Protocol': 'carillon, bearer.a.b.c' })).toBe('a.b.c');
  });

  test('comes from the cookie that the config names, and from no other', async () => {
    expect(await tokenOf('/ws', { Cookie: 'x=1; session=a%20b; session=c' })).toBe('a b');
    expect(await tokenOf('/ws', { Cookie: 'session="100%"' })).toBe('100%');
    expect(await tokenOf('/ws', { Cookie: 'sessions=1; token=2' })).toBeUndefined();
  });

  test('of the query wins, then that of the subprotocols', async () => {
    const headers = { Cookie: 'session=c', 'Sec-WebSocket-Protocol': 'bearer.p' };
    expect(await tokenOf('/ws?token=q', headers)).toBe('q');
    expect(await tokenOf('/ws?token=', headers)).toBe('p');
  });

  test('is absent where there is none', async () => {
    expect(await tokenOf('/ws')).toBeUndefined();
    expect(await tokenOf('/ws?token=')).toBeUndefined();
  });

  test('that is too long is bad without being looked at', async () => {
    const path = (kind: string): string => `/${kind}?token=${'x'.repeat(8_193)}`;
    const client = new WebSocket(`${host.url}${path('ws')}`);
    const code = await new Promise((resolve) => client.once('close', resolve));
    expect(code).toBe(3500);
    const { status, body } = await answer(upgradeRequest(path('sub')));
    expect(status).toBe(401);
    expect(JSON.parse(await body()).error.code).toBe(101);
  });
});

describe('WS15 the device', () => {
  test.each([
    ['/ws?device=my%20phone', 'my phone'],
    ['/ws?device=', undefined],
    ['/ws', undefined],
    [`/ws?device=${'x'.repeat(255)}`, 'x'.repeat(255)],
  ])('of %.40s is %.20j', async (path, device) => {
    const index = host.listeners.length;
    await answer(upgradeRequest(path));
    expect((await host.listener(index)).request.device).toBe(device);
  });

  test('that is too long is 400', async () => {
    const { status, body } = await answer(upgradeRequest(`/ws?device=${'x'.repeat(256)}`));
    expect([status, JSON.parse(await body()).error.code]).toEqual([400, 107]);
  });
});
