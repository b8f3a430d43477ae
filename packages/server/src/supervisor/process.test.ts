import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** Takes every file descriptor that this process may have, then starts a worker. */
function startWithoutDescriptors(): void {
  const program = `
    import { openSync } from 'node:fs';
    import { spawnWorker } from ${JSON.stringify(new URL('process.ts', import.meta.url).href)};
    const clock = { now: () => 0, after: () => () => {} };
    const beginning = { id: 1, version: '', flags: {}, config: {}, listen: { host: '', port: 0 } };
    try {
      for (let taken = 0; taken < 1_000; taken++) openSync('/dev/null');
    } catch {}
    spawnWorker({ beginning, clock, failed: () => {} }, () => {});
  `;
  const node = `exec '${process.execPath}' --conditions=carillon-source --input-type=module -e "$PROGRAM"`;
  execFileSync('/bin/sh', ['-c', `ulimit -n 256; ${node}`], {
    env: { PROGRAM: program },
    stdio: 'pipe',
  });
}

test('a worker that no file descriptors are left for says so', () => {
  expect(startWithoutDescriptors).toThrow(
    /a worker did not start: it could not be run \(too many open files\)/,
  );
});
