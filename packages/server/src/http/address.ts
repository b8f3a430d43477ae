/** Who is at the other end: the socket's address, or behind trusted proxies the one they name. */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether an address, as {@link plainAddress} gives it, is of this very machine. */
export function isLoopback(address: string): boolean {
  return address === '127.0.0.1' || address === '::1' || contains(loopback, address);
}

/** An address as people write it: no zone, and an IPv4 address as such even where the socket is a dual-stack one. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  const zone = address.indexOf('%');
  const bare = zone === -1 ? address : address.slice(0, zone);
  return bare.startsWith('::ffff:') && isIP(bare.slice(7)) === 4 ? bare.slice(7) : bare;
}

/** Knows which hops may be believed. `trustProxy` lists networks (`10.0.0.0/8`, `fd00::/8`) or single addresses. */
export class ClientAddresses {
  #trusted = new BlockList();
  #trustsAny = false;

  /** @throws {Error} when an entry is no network and no address; the message names it. */
  constructor(trustProxy: readonly string[]) {
    this.replace(trustProxy);
  }

  /** Takes over another list. @throws {Error} as the constructor does, and then stays as it was. */
  replace(trustProxy: readonly string[]): void {
    const trusted = new BlockList();
    for (const entry of trustProxy) addNetwork(trusted, entry);
    this.#trusted = trusted;
    this.#trustsAny = trustProxy.length > 0;
  }

  /** Whether there is any proxy to believe. */
  get trustsAny(): boolean {
    return this.#trustsAny;
  }

  isTrusted(address: string): boolean {
    return this.#trustsAny && contains(this.#trusted, address);
  }

  /** Whether limits per address hold for it: this machine and trusted proxies speak for many. */
  isCounted(address: string): boolean {
    return !isLoopback(address) && !this.isTrusted(address);
  }

  /** Under what a rate counts it; undefined: not at all. */
  bucketOf(address: string): string | undefined {
    return this.isCounted(address) ? networkOf(address) : undefined;
  }

  /**
   * The client's address. X-Forwarded-For is walked from the right, where the nearest proxy wrote, as long as each hop
   * is trusted: what stands left of the first stranger is that stranger's own claim.
   */
  of(req: IncomingMessage): string {
    let address = plainAddress(req.socket.remoteAddress);
    if (!this.isTrusted(address)) return address;
    const forwarded = req.headers['x-forwarded-for'];
    if (forwarded === undefined) return address;
    const hops = (typeof forwarded === 'string' ? forwarded : forwarded.join(',')).split(',');
    for (let at = hops.length - 1; at >= 0 && this.isTrusted(address); at--) {
      const hop = plainAddress(withoutPort(hops[at] ?? ''));
      if (isIP(hop) === 0) break;
      address = hop;
    }
    return address;
  }
}

/** What one customer of a provider has: an IPv4 address, or the 64 bits of an IPv6 address that name a network. */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  // `::` stands for as many zeros as are missing.
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':');
    // An IPv4 address at the end is two groups.
    const length = after.length + Number(after.at(-1)?.includes('.') ?? false);
    while (groups.length + length < 8) groups.push('0');
    groups.push(...after);
  }
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

function contains(list: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

function addNetwork(list: BlockList, entry: string): void {
  const slash = entry.indexOf('/');
  const written = slash === -1 ? entry : entry.slice(0, slash);
  const address = plainAddress(written);
  const family = isIP(address);
  const widest = family === 4 ? 32 : 128;
  // A v4-mapped network counts its prefix from the 128 bits of the mapping.
  const mapped = family === 4 && isIP(written) === 6 ? 96 : 0;
  const prefix = slash === -1 ? widest : prefixOf(entry.slice(slash + 1)) - mapped;
  if (family === 0 || !(prefix >= 0 && prefix <= widest)) {
    throw new Error(`trustProxy: '${entry}' is no network; write one such as '10.0.0.0/8' or '::1'`);
  }
  list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
}

function prefixOf(text: string): number {
  return /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
}

/** Some proxies write `1.2.3.4:5678` or `[::1]:5678`. */
function withoutPort(hop: string): string {
  const text = hop.trim();
  if (text.startsWith('[')) return text.slice(1, Math.max(1, text.indexOf(']')));
  const colon = text.indexOf(':');
  return colon !== -1 && colon === text.lastIndexOf(':') ? text.slice(0, colon) : text;
}
