import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { SystemClock } from '../system/clock.ts';
import { rest, upgradeStatus } from '../testing/http-clients.ts';
import { apiKey, type HttpHost, type HttpHostOptions, startHttp } from '../testing/http-host.ts';
import { brokerReadiness } from '../workers/readiness.ts';

const running: HttpHost[] = [];
afterEach(async () => {
  for (const host of running.splice(0)) await host.stop();
});

async function start(options?: HttpHostOptions): Promise<HttpHost> {
  const host = await startHttp(options);
  running.push(host);
  return host;
}

describe('a listener of its own for the API', () => {
  test('serves API, metrics and probes alone, and clients are served on the other alone', async () => {
    const host = await start({
      settings: { api: { keys: [apiKey], listen: { host: '127.0.0.1', port: 0 } } },
      anonymous: true,
    });
    expect(host.apiPort).not.toBe(host.port);
    const headers = { 'X-API-Key': apiKey };
    for (const [path, method] of [
      ['/healthz'],
      ['/readyz'],
      ['/metrics'],
      ['/openapi.json'],
      ['/v1/info', 'POST'],
    ] as const) {
      const call = { method: method ?? 'GET', headers };
      expect([path, (await host.call(path, call)).status]).toEqual([path, 404]);
      expect([path, (await host.call(path, { ...call, port: host.apiPort })).status]).toEqual([path, 200]);
    }
    const pub = { method: 'POST', body: 'x', headers };
    expect((await host.call('/pub?channel=open:a', pub)).status).toBe(200);
    expect((await host.call('/pub?channel=open:a', { ...pub, port: host.apiPort })).status).toBe(404);
    expect(await upgradeStatus(host.port, '/ws')).toBe(101);
    expect(await upgradeStatus(host.apiPort, '/ws')).toBe(404);
  });
});

describe('connections', () => {
  const behindProxy = {
    trustProxy: ['127.0.0.0/8'],
    limits: { connectionsPerAddress: 2, channelsPerConnection: 128, apiBodyBytes: 65_536 },
  };

  test('of one address are bounded behind a trusted proxy, and a place that is given up is free', async () => {
    const host = await start({ settings: behindProxy });
    const open = async (address: string) => {
      const client = new WebSocket(`ws://127.0.0.1:${host.port}/ws`, {
        headers: { 'X-Forwarded-For': address },
      });
      await once(client, 'open');
      return client;
    };
    const first = await open('5.5.5.5');
    await open('5.5.5.5');
    expect(await upgradeStatus(host.port, '/ws', { 'X-Forwarded-For': '5.5.5.5' })).toBe(429);
    const refused = await host.call('/healthz', { headers: { 'X-Forwarded-For': '5.5.5.5' } });
    expect([refused.status, JSON.parse(refused.text)]).toEqual([
      429,
      {
        error: {
          code: 111,
          message: expect.stringContaining('too many connections from this address (limit 2)'),
        },
      },
    ]);
    expect((await host.call('/healthz', { headers: { 'X-Forwarded-For': '6.6.6.6' } })).status).toBe(200);
    first.close();
    await once(first, 'close');
    await expect.poll(() => upgradeStatus(host.port, '/ws', { 'X-Forwarded-For': '5.5.5.5' })).toBe(101);
  });

  test('that are refused, and requests that are over, give their place back', async () => {
    const host = await start({ settings: behindProxy });
    const headers = { 'X-Forwarded-For': '5.5.5.5' };
    for (let n = 0; n < 10; n++) {
      expect(await upgradeStatus(host.port, '/sub', headers)).toBe(400);
      expect((await host.call('/healthz', { headers })).status).toBe(200);
      expect(await upgradeStatus(host.port, '/sub?channel=open:a', headers)).toBe(401);
    }
  });

  test('are kept between requests, and refused ones too', async () => {
    const host = await start();
    const socket = connect(host.port, '127.0.0.1');
    const get = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
    const post = 'POST /v1/info HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}';
    const answers = await rest(
      socket,
      `${get}${post}${get.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}`,
    );
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 401', 'HTTP/1.1 200']);
  });

  test('that are idle are closed at the end, and none is accepted any more', async () => {
    const host = await startHttp();
    const idle = connect(host.port, '127.0.0.1');
    idle.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(idle, 'data');
    const closed = once(idle, 'close');
    idle.resume();
    await Promise.all([host.stop(), closed]);
    await expect(host.call('/healthz')).rejects.toThrow('ECONNREFUSED');
  });

  test('LIF5 that wait to be accepted when the server ends are answered, every one', async () => {
    const host = await startHttp();
    const waiting = Array.from({ length: 50 }, () => connect(host.port, '127.0.0.1'));
    const answers = waiting.map((socket) => rest(socket, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'));
    await Promise.all([host.stop(), ...answers]);
    for (const answer of answers)
      expect(await answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\nConnection: close\r\n/);
  });

  test('LIF5 that are in use when the server ends get an answer to their next request, which is their last', async () => {
    const host = await startHttp();
    const kept = connect(host.port, '127.0.0.1');
    const get = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
    kept.write(get);
    await once(kept, 'data');
    const stopped = host.stop();
    const answer = await rest(kept, get);
    expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\nConnection: close\r\n/);
    await stopped;
  });

  test('a port in use is told', async () => {
    const host = await start();
    await expect(startHttp({ port: host.port })).rejects.toThrow('EADDRINUSE');
  });
});

describe('probes', () => {
  test('readiness is that of the broker, and requests that come together ask it once', async () => {
    let asked = 0;
    let fault: Error | undefined;
    const probe = async (): Promise<void> => {
      asked += 1;
      await new Promise((resolve) => setImmediate(resolve));
      if (fault !== undefined) throw fault;
    };
    const host = await start({ rest: { probe } });
    const ready = await host.call('/readyz');
    expect([ready.status, ready.text, ready.headers['cache-control']]).toEqual([
      200,
      '{"status":"ok"}',
      'no-store',
    ]);
    fault = new Error('internal detail');
    const failed = await host.call('/readyz');
    expect([failed.status, JSON.parse(failed.text)]).toEqual([
      503,
      { status: 'unavailable', error: { code: 100, message: 'internal server error' } },
    ]);
    expect((await host.call('/healthz')).status).toBe(200);
    expect(asked).toBe(2);
  });

  test('a probe that does not come back is a 503 with the reason', async () => {
    const probe = brokerReadiness(() => new Promise(() => {}), new SystemClock());
    const host = await start({ rest: { probe } });
    const [first, second] = await Promise.all([host.call('/readyz'), host.call('/readyz')]);
    for (const { status, text } of [first, second]) {
      expect([status, JSON.parse(text).error]).toEqual([
        503,
        { code: 108, message: expect.stringContaining('did not come back within 2000 ms') },
      ]);
    }
  });
});
