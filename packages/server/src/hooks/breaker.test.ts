import { limits } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { RememberingLog } from '../testing/remembering-log.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { Breaker } from './breaker.ts';
import { CallsInFlight } from './calls-in-flight.ts';
import { FaultLog } from './fault-log.ts';

function broken(clock: VirtualClock): Breaker {
  const breaker = new Breaker(clock);
  for (let count = 1; count < limits.hookFailures; count++) {
    expect([breaker.admits(), breaker.settled('failed')]).toEqual([true, undefined]);
  }
  expect(breaker.settled('failed')).toBe('opened');
  return breaker;
}

describe('RUN6 a breaker', () => {
  test('opens after failures in a row, and closes when one call is answered', () => {
    const clock = new VirtualClock();
    const breaker = broken(clock);
    expect(breaker.admits()).toBe(false);
    clock.advance(limits.hookPauseMs - 1);
    expect(breaker.admits()).toBe(false);
    clock.advance(1);
    expect([breaker.admits(), breaker.admits(), breaker.isOpen]).toEqual([true, false, true]);
    expect(breaker.settled('answered')).toBe('closed');
    expect([breaker.admits(), breaker.admits(), breaker.isOpen]).toEqual([true, true, false]);
  });

  test('stays open for another while when that call fails, and tries another when nothing is known', () => {
    const clock = new VirtualClock();
    const breaker = broken(clock);
    clock.advance(limits.hookPauseMs);
    expect([breaker.admits(), breaker.settled('failed'), breaker.admits()]).toEqual([true, undefined, false]);
    clock.advance(limits.hookPauseMs);
    expect([breaker.admits(), breaker.settled('unknown'), breaker.admits()]).toEqual([true, undefined, true]);
  });

  test('forgets failures when something was answered between', () => {
    const breaker = new Breaker(new VirtualClock());
    for (let count = 0; count < 3 * limits.hookFailures; count++) {
      breaker.settled(count % 2 === 0 ? 'failed' : 'answered');
    }
    expect(breaker.isOpen).toBe(false);
  });
});

describe('RUN4 calls in flight', () => {
  function world(): { clock: VirtualClock; calls: CallsInFlight; happened: string[] } {
    const clock = new VirtualClock();
    const happened: string[] = [];
    const calls = new CallsInFlight({
      timeoutMs: 4_000,
      clock,
      ping: () => void happened.push('ping'),
      stuck: () => void happened.push('stuck'),
    });
    return { clock, calls, happened };
  }

  test('are late one by one, in a thread that gives signs of life', () => {
    const { clock, calls, happened } = world();
    for (const name of ['a', 'b']) {
      calls.add(name, ({ outcome }) => happened.push(`${name} ${outcome}`));
      clock.advance(1_000);
    }
    clock.advance(1_500);
    expect(happened.splice(0)).toEqual(['ping']);
    for (let count = 0; count < 12; count++) {
      calls.signOfLife();
      clock.advance(250);
    }
    expect(happened.filter((what) => what !== 'ping')).toEqual(['a late', 'b late']);
    expect([calls.size, clock.timers]).toEqual([0, 0]);
  });

  test('tell of a thread that gives none', () => {
    const { clock, calls, happened } = world();
    calls.add('a', () => {});
    clock.advance(3_999);
    expect(happened).toEqual(['ping']);
    clock.advance(1);
    expect(happened).toEqual(['ping', 'stuck']);
  });
});

test('RUN3 a fault is told at once, and how often it came again when that is known', () => {
  const clock = new VirtualClock();
  const log = new RememberingLog();
  const faults = new FaultLog(clock, log);
  for (let count = 0; count < 5; count++) faults.say('publish', 'x');
  faults.say('call', 'x');
  expect(log.lines.splice(0)).toEqual([
    "error: the hook 'publish' failed: x",
    "error: the hook 'call' failed: x",
  ]);
  clock.advance(60_000);
  expect(log.lines.splice(0)).toEqual(["error: the hook 'publish' failed: x (4 times more in 10 s)"]);
  for (let count = 0; count < 500; count++) faults.say('publish', String(count));
  expect(log.lines).toHaveLength(101);
});
