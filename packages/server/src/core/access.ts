/** Who a client is, and how its token becomes that. */

/** What authentication found out about a client. Without a `user` its token stands for nobody in particular. */
export interface Identity {
  readonly user?: string;
  /** Shown to others in presence; any JSON value. */
  readonly info?: unknown;
  readonly tags?: Readonly<Record<string, string | number | boolean>>;
  /** Channel names or patterns that rules of kind `token` admit. */
  readonly channels?: readonly string[];
  /** Names this one token (`jti`), so that it can be withdrawn. */
  readonly tokenId?: string;
  /** Milliseconds since the Unix epoch; the session ends then unless refreshed. */
  readonly expiresAt?: number;
  /** No token was accepted for it. */
  readonly isAnonymous?: true;
}

/** Nobody in particular: a client that has shown no token. */
export const anonymous: Identity = Object.freeze({ isAnonymous: true });

/** Whether a token was shown and accepted, if only one that names no user. */
export function isAuthenticated(identity: Identity): boolean {
  return identity.isAnonymous !== true;
}

/** Until when a connection may last, and by which token: that stays, whoever the server side says that it is. */
export function termsOf({ tokenId, expiresAt }: Identity): Identity {
  return { ...(tokenId !== undefined && { tokenId }), ...(expiresAt !== undefined && { expiresAt }) };
}

/** Who shows a token, as far as that is known. */
export interface TokenAsker {
  readonly session?: string;
  /** Who the session has been so far. */
  readonly identity?: Identity;
  readonly address: string;
  /** Of the handshake, as long as they are kept; names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly device?: string;
}

export interface Authenticator {
  /** Whether a client without a token may use what rules open to `anyone`. */
  readonly admitsAnonymous: boolean;
  /** @throws {ReplyError} 101 not known, 109 expired, 108 the place that knows cannot be asked. */
  authenticate(token: string, asker?: TokenAsker): Promise<Identity>;
}
