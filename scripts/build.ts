/** Builds what is published: `dist` of the packages, and the pages. A clone runs without it. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

for (const name of ['protocol', 'client', 'react', 'server']) {
  rmSync(`${root}packages/${name}/dist`, { recursive: true, force: true });
  rmSync(`${root}packages/${name}/tsconfig.tsbuildinfo`, { force: true });
}
run('tsc', ['-b', 'packages/server', 'packages/react']);
run('node', ['scripts/build-pages.ts']);

/** Ends the build with the tool's own exit code when it fails; the tool has said why. */
function run(command: string, args: readonly string[]): void {
  const { status } = spawnSync(`${root}node_modules/.bin/${command}`, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
