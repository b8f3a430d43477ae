/** What a server says of itself when it is up. */
import type { LoadedConfig } from '../config/load.ts';
import { columns } from './command.ts';

/** Name, addresses, mode, and how to stop it. */
export function renderBanner(
  version: string,
  { url }: { readonly url: string },
  { settings, development, file }: LoadedConfig,
): string {
  const base = url.replace(/\/$/, '');
  const { listen } = settings.api;
  const host = listen?.host.includes(':') === true ? `[${listen.host}]` : listen?.host;
  const rows = [
    ['listening', `${base}/`],
    ['websocket', `${base.replace(/^http/, 'ws')}${settings.websocket.path}`],
    ['api', listen === undefined ? `${base}/v1` : `http://${host}:${listen.port}/v1`],
    ['engine', 'memory (nothing outlives a restart)'],
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
