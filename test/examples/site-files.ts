/** Reads the files of an administrator (nginx, Caddy, systemd) as far as a page can be wrong about them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { carillonBin } from '../support/carillon.ts';

/** Asks nginx itself where it is installed; else sees to brackets, semicolons and where the requests go. */
export function faultsOfNginx(config: string): string[] {
  const own = nginx(config);
  if (own !== undefined) return own;
  const faults = unbalanced(config);
  for (const line of config.split('\n')) {
    const text = line.replace(/#.*$/, '').trim();
    if (text !== '' && !/[;{}]$/.test(text) && !/^['"]/.test(text)) faults.push(`no semicolon: ${text}`);
  }
  return [...faults, ...wrongPorts(config)];
}

/** Brackets, and where the requests go. */
export function faultsOfCaddyfile(config: string): string[] {
  return [...unbalanced(config), ...wrongPorts(config)];
}

/** Sections, keys, and whether what it starts is a command of `carillon`. */
export function faultsOfUnit(unit: string): string[] {
  const faults: string[] = [];
  for (const line of unit.split('\n')) {
    const text = line.trim();
    if (text === '' || text.startsWith('#') || /^\[(?:Unit|Service|Install)\]$/.test(text)) continue;
    if (!/^[A-Z][A-Za-z]+=\S/.test(text)) faults.push(`no key of systemd: ${text}`);
  }
  const [, command, flags = ''] = /^ExecStart=\S*carillon (\w+)(.*)$/m.exec(unit) ?? [];
  if (command === undefined)
    return unit.includes('ExecStart=') ? [...faults, 'ExecStart is not carillon'] : faults;
  const help = execFileSync(process.execPath, [carillonBin, 'help', command], { encoding: 'utf8' });
  for (const [flag] of flags.matchAll(/--[a-z-]+/g))
    if (!help.includes(`${flag} `)) faults.push(`carillon ${command} knows no ${flag}`);
  return faults;
}

/** What `nginx -t` says, and undefined where there is no nginx. Certificates that the page names are not here. */
function nginx(config: string): string[] | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-nginx-'));
  const file = join(folder, 'nginx.conf');
  const site = config
    .replace(/^\s*ssl_certificate.*$/gm, '')
    .replace(/ ssl;/g, ';')
    .replace(/listen \S*443/g, 'listen 18443');
  writeFileSync(file, `pid ${folder}/pid; error_log stderr; events {} http { access_log off; ${site} }`);
  const { PATH = '' } = process.env;
  const { error, status, stderr } = spawnSync('nginx', ['-t', '-q', '-p', folder, '-c', file], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${PATH}:/usr/sbin` },
  });
  rmSync(folder, { recursive: true, force: true });
  if (error !== undefined) return undefined;
  return status === 0 ? [] : [stderr];
}

function unbalanced(config: string): string[] {
  const [opened, closed] = [config.split('{').length, config.split('}').length];
  return opened === closed ? [] : [`${opened - 1} brackets open and ${closed - 1} close`];
}

/** Whatever a proxy passes on goes to the documented ports. */
function wrongPorts(config: string): string[] {
  return [...config.matchAll(/(?:127\.0\.0\.1|localhost):(\d+)/g)]
    .filter(([, port]) => port !== '6790' && port !== '6789')
    .map(([address]) => `${address} is none of Carillon's ports`);
}
