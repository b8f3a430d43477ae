/** Which page may speak through a visitor's browser: the checks of Host, Origin, Referer and Sec-Fetch-Site. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isLoopback } from './address.ts';
import { HttpError } from './answer.ts';

export interface OriginSettings {
  /** In development mode the Host is checked: no key stands between a page and this server there. */
  readonly development: boolean;
  /** Names, besides those of loopback, under which a development server may be reached. With or without a port. */
  readonly hosts: readonly string[];
  /** Origins besides this host's own, each `https://example.com` or `*` for all. */
  readonly origins: readonly string[];
  /** Told of each refused origin once, so that whoever forgot to list it finds out. */
  readonly refused?: (origin: string) => void;
}

/** Strangers choose the names; this many are remembered, and told. */
const toldOrigins = 100;

export class Origins {
  readonly #development: boolean;
  #hosts: ReadonlySet<string> = new Set();
  #listed: ReadonlySet<string> = new Set();
  #listsAll = false;
  /** The Host that passed last: on a development server nearly all are the same. */
  #passedHost: string | undefined;

  readonly #refused: ((origin: string) => void) | undefined;
  readonly #told = new Set<string>();

  constructor({ development, hosts, origins, refused }: OriginSettings) {
    this.#refused = refused;
    this.#development = development;
    this.replace({ hosts, origins });
  }

  /** Takes over other lists. */
  replace({ hosts, origins }: Pick<OriginSettings, 'hosts' | 'origins'>): void {
    this.#hosts = new Set(hosts.map((host) => host.toLowerCase()));
    this.#listed = new Set(origins.map(normalize));
    this.#listsAll = origins.includes('*');
    this.#passedHost = undefined;
    this.#told.clear();
  }

  /**
   * Keeps a page from elsewhere out of a development server that it reaches under its own name (DNS rebinding).
   *
   * @throws {HttpError} 403
   */
  checkHost(req: IncomingMessage): void {
    if (!this.#development) return;
    const { host } = req.headers;
    if (host !== undefined && host === this.#passedHost) return;
    if (host === undefined || !this.#isOwnName(host.toLowerCase())) {
      throw forbidden(
        "in development mode the Host must be a loopback name such as 127.0.0.1 or localhost; add this name to 'hosts' to allow it",
      );
    }
    this.#passedHost = host;
  }

  /**
   * A browser's WebSocket must come from a page of this host or of a listed origin. Without an Origin it is no browser.
   *
   * @throws {HttpError} 403
   */
  checkWebSocket(req: IncomingMessage): void {
    const { origin, host } = req.headers;
    if (origin === undefined || this.#isWelcome(origin, host)) return;
    this.#tell(origin);
    throw forbidden("the Origin of this page is not this host's own and not listed in 'origins'");
  }

  /**
   * For requests that carry no API key and that a page elsewhere could send through a visitor's browser.
   *
   * @throws {HttpError} 403
   */
  checkCrossSite(req: IncomingMessage): void {
    const { origin, referer, host } = req.headers;
    if (this.#listsAll) return;
    const foreign =
      (origin !== undefined && !this.#isWelcome(origin, host)) ||
      (referer !== undefined && !this.#isWelcome(referer, host));
    const crossSite = req.headers['sec-fetch-site'] === 'cross-site' && !this.#isListed(origin ?? referer);
    if (foreign || crossSite) {
      this.#tell(origin ?? referer);
      throw forbidden(
        "this request comes from a page of another site; list its origin in 'origins', or send an API key",
      );
    }
  }

  /** The headers, names and values by turns, that let a page of a listed origin read an answer; none for others. */
  cors(headers: IncomingHttpHeaders): readonly string[] {
    const { origin } = headers;
    if (origin === undefined) return [];
    if (this.#listsAll) return ['Access-Control-Allow-Origin', '*', ...exposed];
    const vary = ['Vary', 'Origin'];
    return this.#isListed(origin) ? ['Access-Control-Allow-Origin', origin, ...vary, ...exposed] : vary;
  }

  #tell(origin: string | undefined): void {
    if (origin === undefined || this.#told.has(origin) || this.#told.size >= toldOrigins) return;
    this.#told.add(origin);
    this.#refused?.(origin);
  }

  #isOwnName(host: string): boolean {
    if (this.#hosts.has(host)) return true;
    const port = /:\d*$/.exec(host);
    const name = port === null ? host : host.slice(0, port.index);
    if (this.#hosts.has(name) || name === 'localhost') return true;
    return isLoopback(name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name);
  }

  /** `source` is an Origin or the address of a page. */
  #isWelcome(source: string, host: string | undefined): boolean {
    return this.#isListed(source) || isSameHost(source, host);
  }

  #isListed(source: string | undefined): boolean {
    return source !== undefined && (this.#listsAll || this.#listed.has(normalize(source)));
  }
}

const exposed = ['Access-Control-Expose-Headers', 'Carillon-Cursor'];

/**
 * Compares by host and port only: behind a proxy that ends TLS, this server cannot know the scheme that the page sees.
 * The default port of the page's scheme may be written or not.
 */
function isSameHost(source: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(source)) return false;
  const page = new URL(source);
  const own = `${page.protocol}//${host}`;
  return page.host !== '' && URL.canParse(own) && new URL(own).host === page.host;
}

/** Schemes that URL knows get its canonical form; others (`capacitor://localhost`) are compared as text. */
function normalize(source: string): string {
  const origin = URL.canParse(source) ? new URL(source).origin : 'null';
  return origin === 'null' ? source.toLowerCase().replace(/\/$/, '') : origin;
}

function forbidden(detail: string): HttpError {
  return new HttpError(403, 'permissionDenied', detail);
}
