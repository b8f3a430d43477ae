/** A client on a scripted connection that is open, and what its channel `a` tells. */
import { Carillon, type FullOptions } from '../full.ts';
import { ScriptedTransport } from './scripted-transport.ts';
import { VirtualTimers } from './virtual-timers.ts';

/** The server's answer to a subscribe that asked for no place to begin from. */
export const result = { channel: 'a', epoch: 'e', offset: 3, recovered: false, recoverable: true };

export const event = (offset: number) => ({ event: 'a', data: `d${offset}`, offset });

export async function start(options: FullOptions = {}) {
  const timers = new VirtualTimers();
  const transport = new ScriptedTransport();
  const carillon = new Carillon(
    'ws://a',
    { backoff: { minMs: 100, maxMs: 100 }, ...options },
    { timers, transport },
  );
  const errors: unknown[] = [];
  carillon.on('error', (error) => errors.push(error));
  carillon.connect();
  await timers.pass(0);
  transport.last.callbacks.opened();
  const channel = carillon.channel('a');
  const states: string[] = [];
  channel.on('state', ({ state, reason }) => states.push(`${state} ${reason.code}`));
  /** Cuts and opens again. */
  const reconnect = async () => {
    transport.last.callbacks.closed(1006, '');
    await timers.pass(100);
    transport.last.callbacks.opened();
    await timers.pass(0);
  };
  return { timers, transport, carillon, channel, states, errors, reconnect };
}

/** What a channel tells, in one list. */
export function told(channel: ReturnType<Carillon['channel']>): unknown[] {
  const list: unknown[] = [];
  channel.on('gap', ({ reason, from }) => list.push(`gap ${reason.code} from ${from}`));
  channel.on('recovered', ({ since }) => list.push(`recovered ${since.offset}`));
  channel.on('message', (data) => list.push(data));
  return list;
}
