import type { Disconnect } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../testing/virtual-clock.ts';
import { Heartbeat, type Phase, type Pulse, phases } from './heartbeat.ts';

const settings = {
  pingIntervalMs: 25_000,
  pongTimeoutMs: 10_000,
  stallTimeoutMs: 60_000,
  closeTimeoutMs: 5_000,
};

/** A connection whose peer answers, unless told otherwise. */
class Patient implements Pulse {
  dueTick = 0;
  phase: Phase = phases.idle;
  heard = false;
  lastSent = 0;
  lastSentTick = 0;
  paused = false;
  hasUnsent = false;
  sentBytes = 0;
  answers = true;
  readonly pings: number[] = [];
  readonly ends: string[] = [];
  readonly #clock: VirtualClock;
  readonly #heartbeat: Heartbeat<Patient>;

  constructor(clock: VirtualClock, heartbeat: Heartbeat<Patient>) {
    this.#clock = clock;
    this.#heartbeat = heartbeat;
    heartbeat.opened(this);
  }

  ping(): void {
    this.pings.push(this.#clock.now());
    if (this.answers) this.heard = true;
  }

  fail({ code }: Disconnect): void {
    this.ends.push(`${code} at ${this.#clock.now()}`);
    this.#heartbeat.closing(this);
  }

  destroy(): void {
    this.ends.push(`destroyed at ${this.#clock.now()}`);
    this.#heartbeat.gone(this);
  }
}

function setUp(): { clock: VirtualClock; heartbeat: Heartbeat<Patient>; patient: Patient } {
  const clock = new VirtualClock(0);
  const heartbeat = new Heartbeat<Patient>(clock, settings);
  return { clock, heartbeat, patient: new Patient(clock, heartbeat) };
}

describe('the heartbeat', () => {
  test('pings at the interval, the first time within it', () => {
    const { clock, patient } = setUp();
    clock.advance(130_000);
    const [first = 0, ...others] = patient.pings;
    expect(first).toBeGreaterThanOrEqual(12_500);
    expect(first).toBeLessThanOrEqual(25_000);
    expect(others).toEqual([1, 2, 3, 4].map((count) => first + count * 25_000));
    expect(patient.ends).toEqual([]);
  });

  test('spreads the pings of connections that came together', () => {
    const { clock, heartbeat } = setUp();
    const patients = Array.from({ length: 1_000 }, () => new Patient(clock, heartbeat));
    clock.advance(25_000);
    const counts = new Map<number, number>();
    for (const { pings } of patients) for (const at of pings) counts.set(at, (counts.get(at) ?? 0) + 1);
    expect([...counts.values()].reduce((sum, count) => sum + count)).toBe(1_000);
    expect(Math.max(...counts.values())).toBeLessThan(120);
  });

  test('ends with 3012 what does not answer in time, and destroys what does not close', () => {
    const { clock, heartbeat, patient } = setUp();
    patient.answers = false;
    clock.advance(60_000);
    const [asked = 0] = patient.pings;
    expect(patient.pings.length).toBe(1);
    expect(patient.ends).toEqual([`3012 at ${asked + 10_000}`, `destroyed at ${asked + 15_000}`]);
    expect([heartbeat.connections.size, clock.timers]).toEqual([0, 0]);
  });

  test('takes anything that arrives after the ping as an answer', () => {
    const { clock, patient } = setUp();
    patient.answers = false;
    for (let second = 0; second < 200; second++) {
      clock.advance(1_000);
      if (second % 9 === 0) patient.heard = true;
    }
    expect(patient.ends).toEqual([]);
    expect(patient.pings.length).toBeGreaterThan(6);
  });

  test('does not judge what it does not read', () => {
    const { clock, patient } = setUp();
    patient.answers = false;
    patient.paused = true;
    clock.advance(300_000);
    expect(patient.ends).toEqual([]);
    patient.paused = false;
    clock.advance(40_000);
    expect(patient.ends[0]).toContain('3012');
  });
});

describe('a connection with unsent bytes', () => {
  test('is not asked, and ended with 3008 when none of them leave', () => {
    const { clock, heartbeat, patient } = setUp();
    clock.advance(3_000);
    patient.answers = false;
    patient.hasUnsent = true;
    heartbeat.pending(patient);
    clock.advance(60_000);
    expect(patient.pings).toEqual([]);
    expect(patient.ends).toEqual(['3008 at 63000']);
  });

  test('lives as long as some of them leave', () => {
    const { clock, heartbeat, patient } = setUp();
    patient.answers = false;
    patient.hasUnsent = true;
    heartbeat.pending(patient);
    for (let minute = 0; minute < 10; minute++) {
      clock.advance(59_000);
      patient.sentBytes += 1;
    }
    expect(patient.ends).toEqual([]);
    clock.advance(90_000);
    expect(patient.ends[0]).toContain('3008');
  });

  test('is asked again once they have left', () => {
    const { clock, heartbeat, patient } = setUp();
    patient.hasUnsent = true;
    heartbeat.pending(patient);
    clock.advance(40_000);
    expect(patient.pings).toEqual([]);
    patient.hasUnsent = false;
    clock.advance(20_000);
    expect(patient.pings.length).toBe(1);
  });

  test('is pinged no less for having them now and then', () => {
    const { clock, heartbeat, patient } = setUp();
    for (let second = 0; second < 250; second++) {
      patient.sentBytes += 1;
      heartbeat.pending(patient);
      clock.advance(1_000);
    }
    expect(patient.pings.length).toBeGreaterThanOrEqual(9);
    expect(patient.ends).toEqual([]);
  });
});

test('short durations have short ticks, within bounds', () => {
  const tickMs = (shortest: number): number =>
    new Heartbeat(new VirtualClock(), { ...settings, pongTimeoutMs: shortest }).connections.tickMs;
  expect([1, 50, 400, 10_000].map(tickMs)).toEqual([5, 12.5, 100, 1_000]);
});

test('a connection that is closing is neither pinged nor judged stalled', () => {
  const { clock, heartbeat, patient } = setUp();
  patient.hasUnsent = true;
  heartbeat.closing(patient);
  heartbeat.pending(patient);
  clock.advance(4_999);
  expect(patient.ends).toEqual([]);
  clock.advance(1);
  expect(patient.ends).toEqual(['destroyed at 5000']);
});
