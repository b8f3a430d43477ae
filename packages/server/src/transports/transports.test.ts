/** Every transport against the one contract, and every pair that shares its cursors. */
import type { FeedClientName } from '../testing/feed-clients.ts';
import { resumeContract } from './resume.contract.ts';
import { type TransportTraits, transportContract } from './transport.contract.ts';

const socket = { isLasting: true, end: 3001, oversize: 1009 } as const;
const stream = { isNamed: true, tellsGaps: true, isLasting: true, end: 'end' } as const;
const poll = { isNamed: true, tellsGaps: true, isLasting: false, end: 'end' } as const;
const native = { isNamed: true, tellsGaps: true, isLasting: true, end: 3001, oversize: 413 } as const;

const traits: Readonly<Record<FeedClientName, TransportTraits>> = {
  'websocket/native': { ...socket, isNamed: true, tellsGaps: true },
  'websocket/raw': { ...socket, isNamed: false, tellsGaps: true },
  'stream/sse': native,
  'stream/ndjson': native,
  'stream/longpoll': { ...native, isPolled: true },
  'websocket/bare': { ...socket, isNamed: false, tellsGaps: false },
  'websocket/json': { ...socket, isNamed: true, tellsGaps: true },
  sse: { ...stream, isNamed: false },
  ndjson: stream,
  iframe: stream,
  longpoll: poll,
  jsonp: poll,
  'longpoll/raw': { ...poll, isNamed: false },
};

const names = Object.keys(traits) as FeedClientName[];
for (const name of names) transportContract(name, traits[name]);

const ofNative = names.filter((name) => name === 'websocket/native' || name.startsWith('stream/'));
resumeContract({
  name: 'native protocol',
  giving: ofNative,
  taking: ofNative,
  outdate: (cursor) => cursor.replace(/"epoch":"\w+"/, '"epoch":"gone"'),
});

const ofSub = names.filter((name) => !ofNative.includes(name) && name !== 'websocket/raw');
resumeContract({
  name: '/sub',
  giving: ofSub.filter((name) => name !== 'websocket/bare'),
  taking: ofSub,
  outdate: (cursor) => cursor.replace(/\.\w+\./, '.gone.'),
});
