import { afterEach, describe, expect, test, vi } from 'vitest';
import { Carillon } from './client.ts';
import type { ConnectionChange } from './connection-state.ts';
import type { CarillonOptions } from './options.ts';
import { ScriptedTransport } from './testing/scripted-transport.ts';
import { VirtualTimers } from './testing/virtual-timers.ts';

function start(options: CarillonOptions = {}) {
  const timers = new VirtualTimers();
  const transport = new ScriptedTransport();
  const carillon = new Carillon('ws://a', options, { timers, transport });
  const changes: ConnectionChange[] = [];
  const errors: unknown[] = [];
  carillon.on('state', (change) => changes.push(change));
  carillon.on('error', (error) => errors.push(error));
  /** State and code of each change so far. */
  const told = () => changes.map(({ state, reason }) => `${state} ${reason.code}`);
  const open = async () => {
    carillon.connect();
    await timers.pass(0);
    transport.last.callbacks.opened();
  };
  /** Lets the wait for the next try pass, and no more. */
  const waitOut = () => timers.pass(changes.at(-1)?.retryInMs ?? 0);
  return { timers, transport, carillon, changes, errors, told, open, waitOut };
}

afterEach(() => vi.unstubAllGlobals());

describe('state', () => {
  test('goes from disconnected over connecting to connected and back, each with its reason', async () => {
    const { carillon, told, open, transport, timers } = start();
    expect(carillon.state).toBe('disconnected');
    await open();
    expect(carillon.state).toBe('connected');
    carillon.close();
    expect(carillon.state).toBe('disconnected');
    expect(told()).toEqual(['connecting 2000', 'connected 2001', 'disconnected 2002']);
    expect(transport.last.closed).toBe(true);
    expect(timers.waiting).toBe(0);
  });

  test('nothing is opened before the first use, and connecting twice opens once', async () => {
    const { carillon, timers, transport } = start();
    carillon.channel('a');
    await timers.pass(60_000);
    expect(transport.connections).toHaveLength(0);
    carillon.connect();
    carillon.connect();
    await timers.pass(0);
    expect(transport.connections).toHaveLength(1);
  });

  test('a listener that closes the client on a cut ends it there', async () => {
    const { carillon, timers, transport, told, open } = start();
    await open();
    carillon.on('state', ({ state }) => state === 'connecting' && carillon.close());
    transport.last.callbacks.closed(1006, '');
    await timers.pass(60_000);
    expect(told().slice(2)).toEqual(['connecting 1006', 'disconnected 2002']);
    expect(transport.connections).toHaveLength(1);
  });

  test('after close() only connect() opens again', async () => {
    const { carillon, transport, timers, open } = start();
    await open();
    carillon.close();
    await expect(carillon.channel('a').publish(1)).rejects.toMatchObject({ code: 2002 });
    await expect(carillon.channel('a').subscribe()).rejects.toMatchObject({ code: 2002 });
    carillon.connect();
    await timers.pass(0);
    expect(transport.connections).toHaveLength(2);
  });
});

describe('coming back', () => {
  test('the wait grows with each failure and ends with a connection that lasts', async () => {
    const { transport, timers, open, changes, waitOut } = start();
    await open();
    for (let failures = 0; failures < 8; failures++) {
      transport.last.callbacks.closed(1006, '');
      await waitOut();
    }
    const waits = changes.map(({ retryInMs = 0 }) => retryInMs).slice(2);
    for (const [failures, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(300);
      expect(wait).toBeLessThanOrEqual(Math.min(20_000, 600 * 2 ** failures));
    }
    transport.last.callbacks.opened();
    await timers.pass(5_000);
    transport.last.callbacks.closed(1006, '');
    expect(changes.at(-1)?.retryInMs).toBeLessThanOrEqual(600);
  });

  test('a server that accepts and closes at once is not hammered', async () => {
    const { transport, open, changes, waitOut } = start();
    await open();
    for (let count = 0; count < 10; count++) {
      transport.last.callbacks.closed(3001, 'shutdown');
      await waitOut();
      transport.last.callbacks.opened();
    }
    const waits = changes.map(({ retryInMs = 0 }) => retryInMs);
    expect(Math.max(...waits)).toBeGreaterThan(5_000);
  });

  test.each([1000, 1006, 1011, 3000, 3001, 3008, 3012, 4000, 4499])(
    'close code %i: it comes back',
    async (code) => {
      const { transport, timers, open } = start();
      await open();
      transport.last.callbacks.closed(code, 'x');
      await timers.pass(600);
      expect(transport.connections).toHaveLength(2);
    },
  );

  test.each([1009, 3500, 3501, 3503, 4500])('close code %i: it stays away and says why', async (code) => {
    const { transport, timers, open, told, carillon } = start();
    await open();
    transport.last.callbacks.closed(code, 'because');
    await timers.pass(60_000);
    expect(transport.connections).toHaveLength(1);
    expect(told().at(-1)).toBe(`disconnected ${code}`);
    await expect(carillon.channel('a').publish(1)).rejects.toThrow('because');
  });

  test('a connection that does not open in time is given up for another', async () => {
    const { carillon, transport, timers, told } = start();
    carillon.connect();
    await timers.pass(10_600);
    expect(transport.connections.map(({ closed }) => closed)).toEqual([true, false]);
    expect(told()).toEqual(['connecting 2000', 'connecting 2003']);
  });

  test('a silent server is asked, and given up when it stays silent', async () => {
    const { transport, timers, told, open } = start();
    await open();
    await timers.pass(35_000);
    expect(transport.last.command('ping')).toEqual({ op: 'ping' });
    transport.last.receive({ result: 'pong' });
    await timers.pass(35_000);
    expect(told()).toHaveLength(2);
    await timers.pass(11_000);
    expect(told().at(-1)).toBe('connecting 2004');
    expect(transport.connections).toHaveLength(2);
  });

  test.each(['not json', '1', '[1]', new ArrayBuffer(2)])(
    'a frame that is not the protocol (%j) ends the connection',
    async (frame) => {
      const { transport, timers, told, open } = start();
      await open();
      transport.last.callbacks.received(frame);
      expect(transport.last.closed).toBe(true);
      await timers.pass(600);
      expect(told().at(-1)).toBe('connecting 2005');
      expect(transport.connections).toHaveLength(2);
    },
  );

  test('a transport that throws ends it, with the exception told', async () => {
    const { transport, carillon, timers, told, errors } = start();
    const fault = new Error('mixed content');
    transport.open = () => {
      throw fault;
    };
    carillon.connect();
    await timers.pass(60_000);
    expect(told()).toEqual(['connecting 2000', 'disconnected 2009']);
    expect(errors).toEqual([fault]);
  });
});

describe('advice to reconnect', () => {
  const advice = { event: '$server', type: 'reconnect', delay: 5_000 };

  test('it leaves when the delay is over and comes back at once', async () => {
    const { transport, timers, open, told } = start();
    await open();
    transport.last.receive(advice);
    await timers.pass(4_999);
    expect(transport.connections).toHaveLength(1);
    await timers.pass(1);
    expect(transport.connections).toHaveLength(2);
    expect(told().at(-1)).toBe('connecting 2006');
  });

  test('closed before that, it waits for the rest of the delay', async () => {
    const { transport, timers, open, changes } = start();
    await open();
    transport.last.receive(advice);
    await timers.pass(1_000);
    transport.last.callbacks.closed(3001, 'shutdown');
    expect(changes.at(-1)?.retryInMs).toBe(4_000);
  });
});

describe('the token', () => {
  test('goes first, inside the connection; connected is only who was let in', async () => {
    const { carillon, transport, timers, open } = start({ token: 'secret' });
    await open();
    expect(transport.last.sent).toEqual([{ id: 1, op: 'auth', token: 'secret' }]);
    expect(carillon.state).toBe('connecting');
    transport.last.answer('auth', { session: 's1', user: 'u' });
    await timers.pass(0);
    expect([carillon.state, carillon.session]).toEqual(['connected', 's1']);
  });

  test('is asked for once and kept over a cut', async () => {
    const token = vi.fn(() => 'secret');
    const { transport, timers, open } = start({ token });
    await open();
    transport.last.callbacks.closed(1006, '');
    await timers.pass(600);
    transport.last.callbacks.opened();
    expect(transport.last.command('auth')).toMatchObject({ token: 'secret' });
    expect(token).toHaveBeenCalledTimes(1);
  });

  test.each([101, 109])('refused with %i is asked for anew, three times in a row at most', async (code) => {
    let count = 0;
    const { transport, open, told, waitOut } = start({ token: async () => `t${++count}` });
    await open();
    for (let tries = 0; tries < 5; tries++) {
      if (!transport.last.closed) transport.last.refuse('auth', code);
      await waitOut();
      if (!transport.last.closed) transport.last.callbacks.opened();
    }
    expect(transport.connections.map((each) => each.command('auth')['token'])).toEqual(['t1', 't2', 't3']);
    expect(told().at(-1)).toBe(`disconnected ${code}`);
  });

  test.each([3500, 3005])('a connection closed with %i asks anew', async (code) => {
    let count = 0;
    const { transport, timers, open } = start({ token: () => `t${++count}` });
    await open();
    transport.last.callbacks.closed(code, 'x');
    await timers.pass(600);
    transport.last.callbacks.opened();
    expect(transport.last.command('auth')['token']).toBe('t2');
  });

  test('that is a plain string and refused ends it', async () => {
    const { transport, timers, open, told } = start({ token: 'old' });
    await open();
    transport.last.refuse('auth', 109);
    await timers.pass(60_000);
    expect(told().at(-1)).toBe('disconnected 109');
    expect(transport.connections).toHaveLength(1);
  });

  test('that the server cannot check now is tried again, as often as needed', async () => {
    const { transport, open, told, waitOut } = start({ token: 'good' });
    await open();
    for (let tries = 0; tries < 6; tries++) {
      transport.last.refuse('auth', 108);
      await waitOut();
      transport.last.callbacks.opened();
    }
    expect(told().at(-1)).toBe('connecting 108');
  });

  test('whose callback fails or hangs is asked for again, and the exception is told', async () => {
    const answers = [
      () => Promise.reject(new Error('offline')),
      () => new Promise<string>(() => {}),
      () => 'good',
    ];
    const { carillon, timers, transport, told, errors } = start({ token: () => answers.shift()?.() ?? '' });
    carillon.connect();
    await timers.pass(12_000);
    expect(told()).toEqual(['connecting 2000', 'connecting 2007', 'connecting 2007']);
    expect(errors).toEqual([new Error('offline')]);
    expect(transport.connections).toHaveLength(1);
  });

  test('that is empty means none', async () => {
    const { carillon, transport, open } = start({ token: () => '' });
    await open();
    expect(transport.last.sent).toEqual([]);
    expect(carillon.state).toBe('connected');
  });
});

describe('in a browser', () => {
  function browser() {
    const events = new EventTarget();
    const page = Object.assign(new EventTarget(), { visibilityState: 'hidden' });
    vi.stubGlobal('addEventListener', events.addEventListener.bind(events));
    vi.stubGlobal('removeEventListener', events.removeEventListener.bind(events));
    vi.stubGlobal('document', page);
    const show = () => {
      page.visibilityState = 'visible';
      page.dispatchEvent(new Event('visibilitychange'));
    };
    return { tell: (name: string) => events.dispatchEvent(new Event(name)), show };
  }

  test('a network that comes back, or a page that is shown, ends the wait', async () => {
    const { tell, show } = browser();
    const { transport, timers, open } = start({ backoff: { minMs: 60_000 } });
    await open();
    transport.last.callbacks.closed(1006, '');
    tell('online');
    await timers.pass(0);
    expect(transport.connections).toHaveLength(2);
    transport.last.callbacks.closed(1006, '');
    show();
    await timers.pass(0);
    expect(transport.connections).toHaveLength(3);
  });

  test('a network that goes away cuts at once', async () => {
    const { tell } = browser();
    const { told, open } = start();
    await open();
    tell('offline');
    expect(told().at(-1)).toBe('connecting 2008');
  });

  test('a page that is shown again asks whether the connection still lives', async () => {
    const { show } = browser();
    const { transport, timers, open, told } = start();
    await open();
    show();
    expect(transport.last.command('ping')).toBeDefined();
    await timers.pass(10_000);
    expect(told().at(-1)).toBe('connecting 2004');
  });

  test('a closed client listens to nothing', async () => {
    const { tell } = browser();
    const { carillon, transport, timers, open } = start();
    await open();
    carillon.close();
    tell('online');
    await timers.pass(60_000);
    expect(transport.connections).toHaveLength(1);
  });
});

describe('a client that is turned away', () => {
  const turnAway = async (use: (carillon: Carillon) => unknown) => {
    const timers = new VirtualTimers();
    const transport = new ScriptedTransport();
    const carillon = new Carillon('ws://a', {}, { timers, transport });
    const errors: unknown[] = [];
    carillon.on('error', (error) => errors.push(error));
    use(carillon);
    await timers.pass(0);
    transport.last.callbacks.opened();
    transport.last.callbacks.closed(3503, 'force disconnect');
    await timers.pass(0);
    return errors;
  };

  test('where nobody would hear of it, tells it as an error', async () => {
    expect(await turnAway((carillon) => carillon.connect())).toMatchObject([{ code: 3503 }]);
    const listening = (carillon: Carillon) => carillon.channel('a').on('message', () => {});
    expect(await turnAway(listening)).toMatchObject([{ code: 3503 }]);
  });

  test('where somebody hears of it, does not tell it twice', async () => {
    const publishing = (carillon: Carillon) =>
      carillon
        .channel('a')
        .publish(1)
        .catch(() => {});
    expect(await turnAway(publishing)).toEqual([]);
    const subscribing = (carillon: Carillon) =>
      carillon
        .channel('a')
        .subscribe()
        .catch(() => {});
    expect(await turnAway(subscribing)).toEqual([]);
    const watching = (carillon: Carillon) => {
      carillon.on('state', () => {});
      carillon.connect();
    };
    expect(await turnAway(watching)).toEqual([]);
  });
});
