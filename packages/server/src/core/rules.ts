/** What may be done in a channel, by whom, and what it keeps: the most specific rule whose pattern matches decides. */
import type { StandardSchema } from '@carillon/protocol';
import type { Identity } from './access.ts';
import type { Retention } from './broker.ts';
import { type ReplyError, refuse } from './errors.ts';
import { bySpecificity, compilePattern, isListed, type Pattern } from './pattern.ts';

/**
 * `anyone`; `user`: any authenticated client; `owner`: the user whom the pattern's `{uid}` names; `subscriber`: a client that is
 * subscribed to the channel; `token`: the client's token lists the channel; `hook`: the hook of that action decides, and
 * without one nobody may, but history and presence are for those whom it let subscribe; `nobody`: the server API only.
 */
export type Who = 'anyone' | 'user' | 'owner' | 'subscriber' | 'token' | 'hook' | 'nobody';

export interface Rule {
  readonly pattern: string;
  readonly subscribe: Who;
  readonly publish: Who;
  /** Who may read history. */
  readonly readHistory: Who;
  /** Who may see who is there; absent: who may subscribe. */
  readonly readPresence?: Who;
  /** Absent: nobody is told who is there. */
  readonly presence?: PresenceRule;
  /** Absent: the channel is no inbox. */
  readonly inbox?: InboxRule;
  /** Absent: the channel keeps no history. */
  readonly retention?: Retention;
  /** What is published here must fit it; absent: any JSON value, and bytes. */
  readonly schema?: StandardSchema;
  /**
   * The names of these channels are secrets that the server gave out, and knowing one is the permission: no login is
   * asked for, even where clients without a token are not admitted.
   */
  readonly isSecret?: true;
}

export interface PresenceRule {
  /** Whether subscribers get `join` and `leave` events. */
  readonly announces: boolean;
}

export interface InboxRule {
  /** How long a message may stay without any acknowledgement before the application is told; absent: it is not told. */
  readonly overdueMs?: number;
}

export type Action = 'subscribe' | 'publish' | 'readHistory' | 'readPresence';

/** Who asks, as far as a rule cares. */
export interface Asker {
  readonly identity: Identity;
  /** Whether the asker is subscribed to the channel in question. */
  subscribed(channel: string): boolean;
  /** Whether a token for this one channel was accepted from the asker; absent: none was. */
  granted?(channel: string): boolean;
  /** Whether the application's hook will be asked about the action, and so decides; absent: it will not. */
  hooked?(action: 'subscribe' | 'publish'): boolean;
}

interface CompiledRule {
  readonly rule: Rule;
  readonly pattern: Pattern;
}

export class Rules {
  #rules: readonly CompiledRule[];

  constructor(rules: readonly Rule[]) {
    this.#rules = compiled(rules);
  }

  /** From now on these decide. What was decided before stays; see {@link Reconsideration}. */
  replace(rules: readonly Rule[]): void {
    this.#rules = compiled(rules);
  }

  /** The rule that decides for a channel. */
  find(channel: string): Rule | undefined {
    return this.#compiled(channel)?.rule;
  }

  /** All rules, the most specific first. */
  get all(): readonly Rule[] {
    return this.#rules.map(({ rule }) => rule);
  }

  /** The user whom `{uid}` names in the pattern that decides. */
  owner(channel: string): string | undefined {
    return this.#compiled(channel)?.pattern.match(channel)?.['uid'];
  }

  /** What the channel keeps; undefined for nothing. */
  retention(channel: string): Retention | undefined {
    return this.#compiled(channel)?.rule.retention;
  }

  /** @throws {ReplyError} 102 no rule matches; 1 the asker has to authenticate; 103 the rule says no. */
  check(action: Action, channel: string, asker: Asker): Rule {
    const found = this.#compiled(channel);
    if (found === undefined) throw refuse('unknownChannel');
    const { rule, pattern } = found;
    if (!admits(rule[action] ?? rule.subscribe, action, channel, asker, pattern))
      throw refusal(asker.identity);
    return rule;
  }

  #compiled(channel: string): CompiledRule | undefined {
    for (const compiled of this.#rules) if (compiled.pattern.matches(channel)) return compiled;
    return undefined;
  }
}

function compiled(rules: readonly Rule[]): readonly CompiledRule[] {
  return rules
    .toSorted((a, b) => bySpecificity(a.pattern, b.pattern))
    .map((rule) => ({ rule, pattern: compilePattern(rule.pattern) }));
}

function admits(who: Who, action: Action, channel: string, asker: Asker, pattern: Pattern): boolean {
  const { user, channels } = asker.identity;
  switch (who) {
    case 'anyone':
      return true;
    case 'user':
      return user !== undefined;
    case 'owner':
      return user !== undefined && pattern.match(channel)?.['uid'] === user;
    case 'subscriber':
      return asker.subscribed(channel);
    case 'token':
      return (channels !== undefined && isListed(channel, channels)) || (asker.granted?.(channel) ?? false);
    case 'hook':
      if (action === 'subscribe' || action === 'publish') return asker.hooked?.(action) ?? false;
      return asker.subscribed(channel);
    case 'nobody':
      return false;
  }
}

function refusal(identity: Identity): ReplyError {
  return identity.user === undefined ? refuse('notAuthenticated') : refuse('permissionDenied');
}
