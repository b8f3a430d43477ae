import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { endOnSignal, reloadOnSignal } from './signals.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A server that takes `ms` to close. */
function closing(ms: number) {
  return vi.fn(() => new Promise<void>((resolve) => setTimeout(resolve, ms)));
}

describe('a signal', () => {
  it('closes the server and waits for that', async () => {
    const signals = new EventEmitter();
    const close = closing(1_000);
    const ended = endOnSignal(close, 5_000, signals);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(close).not.toHaveBeenCalled();
    signals.emit('SIGTERM');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await ended).toBe(true);
  });

  it('that comes again within two seconds changes nothing', async () => {
    const signals = new EventEmitter();
    const close = closing(4_000);
    const ended = endOnSignal(close, 5_000, signals);
    signals.emit('SIGINT');
    for (let n = 0; n < 3; n += 1) {
      await vi.advanceTimersByTimeAsync(1_000);
      signals.emit('SIGTERM');
    }
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await ended).toBe(true);
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('that comes later does not wait any longer', async () => {
    const signals = new EventEmitter();
    const ended = endOnSignal(closing(60_000), 120_000, signals);
    signals.emit('SIGTERM');
    await vi.advanceTimersByTimeAsync(2_000);
    signals.emit('SIGTERM');
    expect(await ended).toBe(false);
  });

  it('is obeyed within the limit even when closing hangs', async () => {
    const signals = new EventEmitter();
    const ended = endOnSignal(() => new Promise<void>(() => {}), 5_000, signals);
    signals.emit('SIGTERM');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await ended).toBe(false);
  });
});

describe('SIGHUP', () => {
  const noTerminal = { hasTerminal: false, isTerminal: () => false };

  it('loads the config again, but for repetitions within two seconds', async () => {
    const signals = new EventEmitter();
    const reload = vi.fn();
    reloadOnSignal(reload, noTerminal, signals);
    for (let n = 0; n < 4; n += 1) {
      signals.emit('SIGHUP');
      await vi.advanceTimersByTimeAsync(1_999);
    }
    expect(reload).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    signals.emit('SIGHUP');
    expect(reload).toHaveBeenCalledTimes(2);
  });

  it('loads it also where there is a terminal', () => {
    const signals = new EventEmitter();
    const reload = vi.fn();
    reloadOnSignal(reload, { hasTerminal: true, isTerminal: () => true }, signals);
    signals.emit('SIGHUP');
    expect(reload).toHaveBeenCalledTimes(1);
  });

  it('ends what was begun on a terminal that is gone', async () => {
    const signals = new EventEmitter();
    const reload = vi.fn();
    const ended = endOnSignal(closing(10), 5_000, signals);
    reloadOnSignal(reload, { hasTerminal: true, isTerminal: () => false }, signals);
    signals.emit('SIGHUP');
    await vi.advanceTimersByTimeAsync(10);
    expect(await ended).toBe(true);
    expect(reload).not.toHaveBeenCalled();
  });
});
