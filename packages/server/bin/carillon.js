#!/usr/bin/env node
/** The `carillon` command. Plain JavaScript that an old Node.js can read too: it finds one that can run the rest. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const inClone = existsSync(join(here, '../src/cli/main.ts'));

if (isNewEnough(process.versions.node)) await run();
else runWith(ownNode());

/** 22.18 and 23.6 are the first of their lines that run TypeScript as it is. */
function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  if (major === 22) return minor >= 18;
  if (major === 23) return minor >= 6;
  return major > 23;
}

/** In a clone the sources run as they are; the packages offer them under the condition `carillon-source`. */
async function run() {
  if (inClone) {
    nodeModule.registerHooks({
      resolve(specifier, context, next) {
        if (!/^(?:@carillon\/|carillon$)/.test(specifier)) return next(specifier, context);
        return next(specifier, { ...context, conditions: ['carillon-source', ...context.conditions] });
      },
    });
  }
  const { main } = await import(inClone ? '../src/cli/main.ts' : '../dist/cli/main.js');
  process.exit(await main(process.argv.slice(2)));
}

/** The Node.js that a clone, or a project, has among its packages, if it is new enough. */
function ownNode() {
  for (let folder = here; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules/node');
    if (existsSync(join(found, 'bin/node')) && isNewEnough(versionOf(found))) return join(found, 'bin/node');
    if (dirname(folder) === folder) return undefined;
  }
}

function versionOf(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version;
}

/** Runs this command again under another Node.js, which then gets the signals and decides the exit code. */
function runWith(path) {
  if (path === undefined) {
    console.error(
      `carillon: needs Node.js 22.18 or later, and this is ${process.version}; install a newer one.`,
    );
    process.exit(78);
  }
  const child = spawn(path, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'])
    process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`carillon: ${path} cannot be run (${error.message}).`);
    process.exit(78);
  });
  child.on('exit', (code, signal) => process.exit(code === null ? 128 + constants.signals[signal] : code));
}
