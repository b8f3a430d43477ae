/** Makes the tarballs that are published, in the folder `dist` of the clone: `npm run build` first. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { published, stage } from './packages.ts';

const target = fileURLToPath(new URL('../dist/', import.meta.url));

mkdirSync(target, { recursive: true });
for (const name of published) {
  execFileSync('npm', ['pack', '--pack-destination', target], {
    cwd: stage(name),
    stdio: ['ignore', 'inherit', 'ignore'],
  });
}
