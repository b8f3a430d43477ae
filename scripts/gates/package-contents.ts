/** What each package publishes, asked of npm itself: all that it needs, and nothing that is only ours. */
import { execFileSync } from 'node:child_process';
import { published, stage } from '../packages.ts';

const everywhere = ['package.json', 'LICENSE', 'README.md', 'dist/index.js', 'dist/index.d.ts'];
const needed = {
  protocol: everywhere,
  client: everywhere,
  react: everywhere,
  server: [
    ...everywhere,
    'bin/carillon.js',
    'public/index.html',
    'public/carillon.js',
    'public/carillon.mjs',
  ],
} as const satisfies Record<(typeof published)[number], readonly string[]>;

/** Sources, tests and what tools leave behind. */
const unwanted = /^src\/|\.test\.|\.contract\.|(?:^|\/)testing\/|\.tsbuildinfo$|(?<!\.d)\.ts$/;

interface PackedFile {
  readonly path: string;
  readonly mode: number;
}

/** Undefined when all packages are as they should be, else a line for each fault. The build must be fresh. */
export async function packageContents(): Promise<string | undefined> {
  const faults = published.flatMap((name) => {
    const files = packed(stage(name));
    const paths = files.map(({ path }) => path);
    const missing = needed[name].filter((path) => !paths.includes(path)).map((path) => `lacks ${path}`);
    const extra = paths.filter((path) => unwanted.test(path)).map((path) => `should not contain ${path}`);
    const locked = files.filter(({ path, mode }) => path.startsWith('bin/') && (mode & 0o111) === 0);
    const stuck = locked.map(({ path }) => `has ${path} without the executable bit`);
    return [...missing, ...extra, ...stuck].map((fault) => `${name} ${fault}`);
  });
  return faults.length === 0 ? undefined : faults.join('\n');
}

function packed(folder: string): readonly PackedFile[] {
  const report = execFileSync('npm', ['pack', '--dry-run', '--json'], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [first] = JSON.parse(report) as readonly { readonly files: readonly PackedFile[] }[];
  return first?.files ?? [];
}
