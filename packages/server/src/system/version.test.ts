import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

test('the version is that of the program that runs, whatever is installed in its place meanwhile', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-version-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const install = (version: string): void =>
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ version, type: 'module' }));
  mkdirSync(join(folder, 'src', 'system'), { recursive: true });
  const program = join(folder, 'src', 'system', 'version.ts');
  copyFileSync(fileURLToPath(new URL('version.ts', import.meta.url)), program);
  install('1.0.0');
  const running = (await import(pathToFileURL(program).href)) as typeof import('./version.ts');
  install('2.0.0');
  expect(running.version()).toBe('1.0.0');
});
