/** What a server says of itself when it is up. */
import type { LoadedConfig } from '../config/load.ts';
import type { RunningServer } from '../server.ts';
import { columns } from './command.ts';

/** Listening there is listening on every network that the machine is in. */
const everywhere = new Set(['0.0.0.0', '::']);

/** Name, addresses, mode, and how to stop it. */
export function renderBanner(
  version: string,
  { url, apiUrl, host, workers }: Pick<RunningServer, 'url' | 'apiUrl' | 'host' | 'workers'>,
  { settings, development, file }: LoadedConfig,
): string {
  const base = url.replace(/\/$/, '');
  const rows = [
    [
      'listening',
      `${base}/${everywhere.has(host) ? `  and every other address of this machine (${host})` : ''}`,
    ],
    ['websocket', `${base.replace(/^http/, 'ws')}${settings.websocket.path}`],
    ['api', `${apiUrl.replace(/\/$/, '')}/v1`],
    ...(workers === undefined ? [] : [['workers', String(workers)]]),
    ['engine', `memory (${kept(settings.dataDir)})`],
    ['config', file ?? 'none'],
  ];
  const mode = development
    ? [
        'Development mode: the API needs no key, channels without a rule are open to everyone, and / shows the demos.',
        "For anything else write a config: 'carillon init'.",
      ]
    : [];
  return `${[`Carillon ${version}`, columns(rows), ...mode, 'Ctrl-C stops it.'].join('\n')}\n`;
}

function kept(dataDir: string | undefined): string {
  return dataDir === undefined ? 'nothing outlives a restart' : `what outlives a restart is in ${dataDir}`;
}
