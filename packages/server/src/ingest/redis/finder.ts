/** Where a connection has to go, asked anew for each: the one server, the primary that Sentinels name, a node of a Cluster. */
import { type Link, type LinkOptions, openLink, type Reply } from './link.ts';
import type { HostPort, RedisOptions } from './options.ts';

export class Finder {
  readonly #options: RedisOptions;
  readonly #link: LinkOptions;
  /** The address that answered last is asked first. */
  #first = 0;

  constructor(options: RedisOptions) {
    this.#options = options;
    const { credentials, database, tls, connectionName } = options;
    this.#link = { credentials, database, connectionName, ...(tls !== undefined && { tls }) };
  }

  /**
   * Opens a connection; in a Cluster to the node that has `key`, without one to any node, since PUBLISH reaches all of them.
   *
   * @throws {Error} the reason why there is none; where several addresses were tried, that of the last.
   */
  async open(signal: AbortSignal, key?: string): Promise<Link> {
    const { where } = this.#options;
    if (where.kind === 'server') return openLink(where.endpoint, this.#link, signal);
    if (where.kind === 'sentinel') return this.#openPrimary(where, signal);
    const any = await this.#openFirst(where.addresses, this.#link, signal);
    if (key === undefined) return any;
    try {
      return await openLink(await ownerOf(key, any), this.#link, signal);
    } finally {
      any.close();
    }
  }

  async #openPrimary(
    { name, addresses, credentials }: RedisOptions['where'] & { readonly kind: 'sentinel' },
    signal: AbortSignal,
  ): Promise<Link> {
    const sentinel = await this.#openFirst(addresses, { ...this.#link, credentials, database: 0 }, signal);
    let primary: HostPort | undefined;
    try {
      primary = hostPort(await sentinel.ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name), sentinel);
    } finally {
      sentinel.close();
    }
    if (primary === undefined) {
      this.#first += 1;
      throw new Error(`the Sentinel at ${sentinel.place} knows no primary '${name}'`);
    }
    const link = await openLink(primary, this.#link, signal);
    // Sentinels may name one that has just been replaced. Who may not ask for the role goes without the check.
    const role = await link.ask('ROLE').catch(() => undefined);
    if (!Array.isArray(role) || String(role[0]) === 'master') return link;
    link.close();
    throw new Error(`${link.place} is not the primary any more`);
  }

  async #openFirst(addresses: readonly HostPort[], options: LinkOptions, signal: AbortSignal): Promise<Link> {
    const faults: unknown[] = [];
    for (const [turn] of addresses.entries()) {
      const at = (this.#first + turn) % addresses.length;
      const address = addresses[at];
      if (address === undefined || signal.aborted) continue;
      try {
        const link = await openLink(address, options, signal);
        this.#first = at;
        return link;
      } catch (error) {
        faults.push(error);
      }
    }
    signal.throwIfAborted();
    throw new AggregateError(faults);
  }
}

/** The node of the Cluster that has the slot of `key`. */
async function ownerOf(key: string, link: Link): Promise<HostPort> {
  const slot = Number(await link.ask('CLUSTER', 'KEYSLOT', key));
  const ranges = await link.ask('CLUSTER', 'SLOTS');
  for (const range of Array.isArray(ranges) ? (ranges as readonly Reply[]) : []) {
    if (!Array.isArray(range)) continue;
    const [from, to, node] = range as readonly Reply[];
    const owner = Number(from) <= slot && slot <= Number(to) ? hostPort(node, link) : undefined;
    if (owner !== undefined) return owner;
  }
  throw new Error(`no node of the Cluster has the key '${key}'`);
}

/** The address in a reply; an empty host is the one that was asked. */
function hostPort(reply: Reply | undefined, { endpoint }: Link): HostPort | undefined {
  const [host, port] = Array.isArray(reply) ? (reply as readonly Reply[]) : [];
  if (host === undefined || host === null || !(Number(port) > 0)) return undefined;
  const named = String(host);
  return { host: named === '' ? (endpoint.host ?? 'localhost') : named, port: Number(port) };
}
