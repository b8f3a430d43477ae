import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { endOnSignal } from './signals.ts';

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
