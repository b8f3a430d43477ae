/** Which device this window is: each window is one of its own, and stays it when it is loaded again. */
import { browserName } from '../shared/browser-name.ts';
import { recall, remember } from '../shared/storage.ts';

const deviceKey = 'carillon.center.device';
const userKey = 'carillon.center.user';

/** A name that people recognize, with two letters that tell it from the next window: `Chrome Linux · k7`. */
export function thisDevice(): string {
  const stored = recall(deviceKey, 'session');
  if (stored !== undefined) return stored;
  const names = browserName(navigator.userAgent);
  const letters = Array.from(crypto.getRandomValues(new Uint8Array(2)), (byte) => (byte % 36).toString(36));
  const device = [...names, '·', letters.join('')].join(' ');
  remember(deviceKey, device, 'session');
  return device;
}

/** Who is signed in in this window; the address may say it, for the link that opens a second device. */
export function signedIn(): string | undefined {
  return new URLSearchParams(location.search).get('as') ?? recall(userKey, 'session');
}

/** Keeps it for when the page is loaded again. Undefined signs out. */
export function keepSignedIn(user: string | undefined): void {
  remember(userKey, user ?? '', 'session');
  if (location.search !== '') history.replaceState(undefined, '', location.pathname);
}
