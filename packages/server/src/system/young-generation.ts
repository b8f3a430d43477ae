/**
 * Keeps V8's young generation small. By default it grows to 128 MB under load and stays there, though what a push server
 * leaves behind dies young: a smaller one is collected more often at the same cost, and the process stays small.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Where it stops to grow, in bytes; V8 doubles it, so it may end at twice that. */
const enoughBytes = 16 * 1_024 * 1_024;

/**
 * `--max-semi-space-size` counts only before the process starts, where a program cannot set it for itself; the factor by which
 * the space grows counts at any time. So this waits until it has grown enough, and then ends the growth.
 */
export function boundYoungGeneration(): void {
  const observer = new PerformanceObserver(() => {
    const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
    if (space === undefined || space.space_size < enoughBytes) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    observer.disconnect();
  });
  observer.observe({ entryTypes: ['gc'] });
}
