import { describe, expect, test, vi } from 'vitest';
import type { ConnectionChange } from './connection-state.ts';
import { FallbackTransport } from './fallback.ts';
import { Carillon } from './full.ts';
import { Ladder } from './ladder.ts';
import { recall } from './memory.ts';
import { ScriptedTransport } from './testing/scripted-transport.ts';
import { VirtualTimers } from './testing/virtual-timers.ts';
import type { TransportName } from './transport.ts';

class NamedTransport extends ScriptedTransport {
  override readonly name: TransportName;
  /** The runtime refuses to open it. */
  refuses = false;

  constructor(name: TransportName) {
    super();
    this.name = name;
  }

  override open(...args: Parameters<ScriptedTransport['open']>) {
    if (this.refuses) throw new Error('refused by the runtime');
    return super.open(...args);
  }
}

let servers = 0;

function start(server = `server-${++servers}`) {
  const timers = new VirtualTimers();
  const websocket = new NamedTransport('websocket');
  const sse = new NamedTransport('sse');
  const longpoll = new NamedTransport('longpoll');
  const transport = new FallbackTransport(new Ladder([websocket, sse, longpoll], timers, server), timers);
  const carillon = new Carillon('ws://a', {}, { timers, transport });
  const changes: ConnectionChange[] = [];
  carillon.on('state', (change) => changes.push(change));
  carillon.on('error', () => {});
  carillon.connect();
  /** How often each was opened. */
  const opened = () => [websocket, sse, longpoll].map(({ connections }) => connections.length);
  const waitOut = () => timers.pass(changes.at(-1)?.retryInMs ?? 0);
  /** The newest connection of a transport opens, and something comes through. */
  const works = (through: NamedTransport) => {
    through.last.callbacks.opened();
    through.last.receive({ result: 'pong' });
  };
  return { timers, websocket, sse, longpoll, carillon, changes, opened, waitOut, works, server };
}

describe('stepping down', () => {
  test('what does not open within 4 s gives way to the next, in the same try', async () => {
    const { timers, websocket, sse, longpoll, carillon, opened, changes } = start();
    await timers.pass(3_999);
    expect(opened()).toEqual([1, 0, 0]);
    await timers.pass(1);
    expect([opened(), websocket.last.closed]).toEqual([[1, 1, 0], true]);
    await timers.pass(4_000);
    expect([opened(), sse.last.closed]).toEqual([[1, 1, 1], true]);
    longpoll.last.callbacks.opened('s');
    expect([carillon.state, carillon.transport, carillon.session]).toEqual(['connected', 'longpoll', 's']);
    expect(changes.at(-1)).toMatchObject({ state: 'connected', transport: 'longpoll' });
  });

  test('what fails at once gives way at once, and so does what the runtime refuses', async () => {
    const { timers, websocket, sse, opened } = start();
    websocket.refuses = true;
    await timers.pass(0);
    expect(opened()).toEqual([0, 1, 0]);
    sse.last.callbacks.closed(1006, '');
    expect(opened()).toEqual([0, 1, 1]);
  });

  test('what opens and is cut before anything came is given a second chance', async () => {
    const { timers, websocket, opened, waitOut } = start();
    await timers.pass(0);
    websocket.last.callbacks.opened();
    websocket.last.callbacks.closed(1006, '');
    await waitOut();
    expect(opened()).toEqual([2, 0, 0]);
    websocket.last.callbacks.opened();
    websocket.last.callbacks.closed(1006, '');
    await waitOut();
    expect(opened()).toEqual([2, 1, 0]);
  });

  test('what opens and lets no reply through gives way', async () => {
    const { timers, websocket, carillon, opened, waitOut } = start();
    void carillon.channel('a').subscribe();
    await timers.pass(0);
    websocket.last.callbacks.opened();
    await timers.pass(10_000);
    await waitOut();
    expect(opened()).toEqual([1, 1, 0]);
  });

  test('what worked is kept through two failures, and one that the server ends itself is none', async () => {
    const { timers, websocket, opened, waitOut, works } = start();
    await timers.pass(0);
    works(websocket);
    websocket.last.callbacks.closed(3001, 'shutdown');
    for (let failure = 1; failure <= 2; failure++) {
      await waitOut();
      websocket.last.callbacks.closed(1006, '');
    }
    expect(opened()).toEqual([3, 0, 0]);
    await waitOut();
    websocket.last.callbacks.closed(1006, '');
    expect(opened()).toEqual([4, 1, 0]);
  });

  test('a connection that lived and was not asked for anything says nothing by its end', async () => {
    const { timers, websocket, opened, waitOut } = start();
    for (let cut = 1; cut <= 4; cut++) {
      await waitOut();
      websocket.last.callbacks.opened();
      await timers.pass(10_000);
      websocket.last.callbacks.closed(1006, '');
    }
    expect(opened()).toEqual([4, 0, 0]);
  });
});

describe('stepping back up', () => {
  test('the better ones are left alone for 5 minutes, then tried at the next reconnect; the next time it is 10', async () => {
    const { timers, websocket, sse, opened, waitOut, works } = start();
    await timers.pass(4_000);
    works(sse);
    sse.last.callbacks.closed(1006, '');
    await waitOut();
    expect(opened()).toEqual([1, 2, 0]);
    works(sse);
    await timers.pass(30_000);
    sse.last.receive({ result: 'pong' });
    for (let minute = 0; minute < 10; minute++) {
      await timers.pass(30_000);
      sse.last.receive({ result: 'pong' });
    }
    expect(opened()).toEqual([1, 2, 0]);
    sse.last.callbacks.closed(1006, '');
    await waitOut();
    expect(opened()).toEqual([2, 2, 0]);
    websocket.last.callbacks.closed(1006, '');
    works(sse);
    expect(recall(`server-${servers}`).get()).toMatchObject({ name: 'sse', restMs: 1_200_000 });
  });

  test('where nothing worked for a while, what works first is no proof against the better ones', async () => {
    const { timers, websocket, sse, longpoll, opened, waitOut, works } = start();
    await timers.pass(0);
    for (const each of [websocket, sse, longpoll]) each.last.callbacks.closed(1006, '');
    await waitOut();
    websocket.last.callbacks.closed(1006, '');
    works(sse);
    sse.last.callbacks.closed(1006, '');
    await waitOut();
    expect(opened()).toEqual([3, 2, 1]);
  });
});

describe('memory', () => {
  test('the next client begins with what worked, as long as that is fresh', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const first = start();
    await first.timers.pass(4_000);
    first.works(first.sse);
    const second = start(first.server);
    await second.timers.pass(0);
    expect(second.opened()).toEqual([0, 1, 0]);
    vi.advanceTimersByTime(300_001);
    const third = start(first.server);
    await third.timers.pass(0);
    expect(third.opened()).toEqual([1, 0, 0]);
    vi.useRealTimers();
  });

  test('a browser keeps it over page loads, and one that forbids it is no obstacle', () => {
    const items = new Map<string, string>();
    const storage = {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, text: string) => void items.set(key, text),
      removeItem: (key: string) => void items.delete(key),
    };
    vi.stubGlobal('document', {});
    vi.stubGlobal('localStorage', storage);
    recall('kept').set({ name: 'sse', leftMs: 1_000, restMs: 2_000 });
    expect([...items.keys()]).toEqual(['carillon:kept']);
    expect(recall('kept').get()).toMatchObject({ name: 'sse', restMs: 2_000 });
    items.set('carillon:kept', 'not JSON');
    expect(recall('kept').get()).toBeUndefined();
    vi.stubGlobal('localStorage', undefined);
    recall('other').set({ name: 'longpoll', leftMs: 1_000, restMs: 2_000 });
    expect(recall('other').get()).toMatchObject({ name: 'longpoll' });
    vi.unstubAllGlobals();
  });
});
