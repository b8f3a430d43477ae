/** Ten thousand clients on real sockets: a send reaches whom it means, and says exactly how many that are. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';

const sockets = 10_000;
const users = 2_500;
const groups = 250;
const key = 'a-key-for-the-tests-of-crowds';
const cities = ['sh', 'bj', 'gz', 'sz', 'hz'];
const atOnce = 200;
const patient = { timeout: 60_000, interval: 50 };

const tokens = Object.fromEntries(
  Array.from({ length: users }, (_, user) => {
    const tags = { city: cities[user % 5] ?? '', ...(user % 10 === 0 && { vip: true }) };
    return [`token-${user}`, { user: `u${user}`, tags }];
  }),
);

/** A WebSocket that only counts the messages that were sent to it. */
class Listener {
  received = 0;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(port: number, number: number): Promise<Listener> {
    // One address has too few ports for everybody.
    const localAddress = `127.0.0.${2 + (number % 8)}`;
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    await once(socket, 'connect');
    socket.write(
      `GET /ws?token=token-${number % users} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\n` +
        'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    const [head] = (await once(socket, 'data')) as [Buffer];
    expect(head.toString('latin1')).toContain(' 101 ');
    const listener = new Listener(socket);
    // A frame as short as these is never cut in two here.
    socket.on('data', (bytes: Buffer) => {
      listener.received += bytes.toString('latin1').split('"event":"message"').length - 1;
    });
    socket.on('error', () => {});
    return listener;
  }

  close(): void {
    this.#socket.destroy();
  }
}

describe('ten thousand clients on sockets', () => {
  let carillon: RunningCarillon;
  const clients: Listener[] = [];

  beforeAll(async () => {
    carillon = await startCarillon({
      config: {
        api: { keys: [key] },
        auth: { tokens },
        channels: { '*': { subscribe: 'user' } },
        drain: '0s',
      },
    });
    for (let first = 0; first < sockets; first += atOnce) {
      const some = Array.from({ length: atOnce }, (_, index) => Listener.open(carillon.port, first + index));
      clients.push(...(await Promise.all(some)));
    }
    await vi.waitFor(async () => {
      const { total } = await api('sessions', { to: { where: 'city' }, limit: 0 });
      expect(total).toBe(sockets);
    }, patient);
    const joins = Array.from({ length: users }, (_, user) => ({
      method: 'group_join',
      params: { group: `g${user % groups}`, user: `u${user}` },
    }));
    for (let from = 0; from < joins.length; from += 500) {
      await api('batch', { requests: joins.slice(from, from + 500) });
    }
  }, 120_000);

  afterAll(async () => {
    for (const client of clients.splice(0)) client.close();
    await carillon?.stop();
  });

  async function api(method: string, body: object): Promise<Record<string, unknown>> {
    const response = await fetch(`${carillon.url}/v1/${method}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-API-Key': key },
      body: JSON.stringify(body),
    });
    const { result, error } = (await response.json()) as Record<string, Record<string, unknown>>;
    expect(error).toBeUndefined();
    return result ?? {};
  }

  /** Those of whom `isMeant` says so, by the number of their user. */
  function meant(isMeant: (user: number) => boolean): number[] {
    return Array.from({ length: sockets }, (_, number) => number).filter((number) => isMeant(number % users));
  }

  test.each<[string, object, (user: number) => boolean]>([
    ['a user', { user: 'u7' }, (user) => user === 7],
    ['users', { users: ['u7', 'u8', 'nobody'] }, (user) => user === 7 || user === 8],
    ['a group', { group: 'g3' }, (user) => user % groups === 3],
    ['groups', { groups: ['g3', 'g4'] }, (user) => [3, 4].includes(user % groups)],
    ['a tag expression', { where: 'vip & city=sh' }, (user) => user % 10 === 0],
    ['what is not', { where: '!vip & !city=sh' }, (user) => user % 10 !== 0 && user % 5 !== 0],
    ['all', { all: true }, () => true],
  ])('ADR1 ADR2 a send to %s reaches them once each, and nobody else', async (_, to, isMeant) => {
    const expected = meant(isMeant);
    const before = clients.map(({ received }) => received);
    expect(await api('send', { to, data: 1 })).toEqual({ sessions: expected.length });
    const got = (): number[] =>
      clients.flatMap(({ received }, number) => Array<number>(received - (before[number] ?? 0)).fill(number));
    await vi.waitFor(() => expect(got().length).toBeGreaterThanOrEqual(expected.length), patient);
    // Whatever came besides would have come before the answer to this.
    await api('info', {});
    expect(got()).toEqual(expected);
  });
});
