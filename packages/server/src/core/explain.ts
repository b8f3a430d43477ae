/** Why a client may do something in a channel, or may not: the answer of the rules, in sentences for people. */
import { anonymous, type Identity, isAuthenticated } from './access.ts';
import { compilePattern } from './pattern.ts';
import { type Action, type Asker, type Rule, Rules, type Who } from './rules.ts';

export interface Question {
  readonly channel: string;
  /** Absent: a client without a user. */
  readonly user?: string;
  /** What its token lists; given without a user, it is a token that names none. */
  readonly tokenChannels?: readonly string[];
  /** Whether clients without a token are admitted. */
  readonly admitsAnonymous: boolean;
}

export type ExplainedAction = 'subscribe' | 'publish' | 'history' | 'presence';

export interface Verdict {
  readonly action: ExplainedAction;
  /** `hook`: what the application's hook says. */
  readonly allowed: boolean | 'hook';
  /** One sentence. */
  readonly why: string;
}

export interface Explanation {
  readonly channel: string;
  /** The pattern of the rule that decides; absent: none matches. */
  readonly rule?: string;
  /** What the pattern's named parts stand for. */
  readonly parts: Readonly<Record<string, string>>;
  /** Patterns that match as well, but are less specific: they count for nothing here. */
  readonly others: readonly string[];
  readonly verdicts: readonly Verdict[];
  /** What the channel keeps and tells, a sentence each. */
  readonly keeps: readonly string[];
}

const actions: Readonly<Record<ExplainedAction, Action>> = {
  subscribe: 'subscribe',
  publish: 'publish',
  history: 'readHistory',
  presence: 'readPresence',
};

/** `rules` in any order. */
export function explain(rules: readonly Rule[], question: Question): Explanation {
  const { channel } = question;
  const all = new Rules(rules);
  const [rule, ...others] = all.all.filter(({ pattern }) => compilePattern(pattern).matches(channel));
  const names = Object.keys(actions) as ExplainedAction[];
  if (rule === undefined) {
    const why = 'no rule matches, so it is closed to clients; the server API may publish into it';
    const verdicts = names.map((action) => ({ action, allowed: false, why }));
    return { channel, parts: {}, others: [], verdicts, keeps: ['nothing'] };
  }
  return {
    channel,
    rule: rule.pattern,
    parts: compilePattern(rule.pattern).match(channel) ?? {},
    others: others.map(({ pattern }) => pattern),
    verdicts: names.map((action) => verdict(action, all, rule, question)),
    keeps: keptBy(rule),
  };
}

function verdict(action: ExplainedAction, rules: Rules, rule: Rule, question: Question): Verdict {
  const who = rule[actions[action]] ?? rule.subscribe;
  const identity = identityOf(question);
  const missing = missingFor(action, rule);
  if (missing !== undefined) return { action, allowed: false, why: missing };
  if (!isAuthenticated(identity) && !question.admitsAnonymous && rule.isSecret !== true) {
    const why = 'a client without a token may do nothing, because auth.anonymous is off';
    return { action, allowed: false, why };
  }
  if (who === 'hook' && (action === 'subscribe' || action === 'publish')) {
    return { action, allowed: 'hook', why: `the hook '${action}' decides; without one nobody may` };
  }
  const subscribing = action === 'subscribe' ? false : allowed(rules, 'subscribe', question, false);
  const isAllowed = allowed(rules, actions[action], question, subscribing !== false);
  const why = reason(who, { rule, question, isAllowed, subscribing });
  return { action, allowed: isAllowed === true && depends(who) ? subscribing : isAllowed, why };
}

/** What the rules themselves say; `hook` where the application would. */
function allowed(rules: Rules, action: Action, question: Question, isSubscribed: boolean): boolean | 'hook' {
  let isHooked = false;
  const asker: Asker = {
    identity: identityOf(question),
    subscribed: () => isSubscribed,
    hooked: () => {
      isHooked = true;
      return true;
    },
  };
  try {
    rules.check(action, question.channel, asker);
    return isHooked ? 'hook' : true;
  } catch {
    return false;
  }
}

/** Whether only those may who are subscribed. */
function depends(who: Who): boolean {
  return who === 'subscriber' || who === 'hook';
}

function identityOf({ user, tokenChannels: channels }: Question): Identity {
  if (user === undefined && channels === undefined) return anonymous;
  return { ...(user !== undefined && { user }), ...(channels !== undefined && { channels }) };
}

function missingFor(action: ExplainedAction, { retention, presence }: Rule): string | undefined {
  if (action === 'history' && retention === undefined) return 'the channel keeps no history';
  if (action === 'presence' && presence === undefined) return 'the rule has no presence';
  return undefined;
}

interface Case {
  readonly rule: Rule;
  readonly question: Question;
  readonly isAllowed: boolean | 'hook';
  /** Whether the client may subscribe. */
  readonly subscribing: boolean | 'hook';
}

function reason(who: Who, { rule, question, isAllowed, subscribing }: Case): string {
  const { user, channel, tokenChannels = [] } = question;
  const self = user === undefined ? 'this client has none' : `this one is '${user}'`;
  switch (who) {
    case 'anyone':
      return 'anyone may';
    case 'user':
      return `every user may, and ${self}`;
    case 'owner': {
      const uid = compilePattern(rule.pattern).match(channel)?.['uid'] ?? '';
      return `only the user '${uid}' may, whom {uid} names, and ${self}`;
    }
    case 'token':
      return `only who shows a token that lists the channel may, and ${listing(tokenChannels, isAllowed)}`;
    case 'subscriber':
    case 'hook':
      return `only who is subscribed may, and ${becoming[String(subscribing)]}`;
    case 'nobody':
      return 'no client may; the server API may';
  }
}

const becoming: Readonly<Record<string, string>> = {
  true: 'this client may subscribe',
  false: 'this client may not subscribe; the server side could subscribe it',
  hook: "the hook 'subscribe' decides about that",
};

function listing(channels: readonly string[], isAllowed: boolean | 'hook'): string {
  if (channels.length === 0) return 'this one lists none';
  const names = channels.map((name) => `'${name}'`).join(', ');
  return isAllowed === true ? `this one lists ${names}` : `this one lists ${names} alone`;
}

function keptBy({ retention, presence, inbox, schema }: Rule): readonly string[] {
  const kept = [
    retention && `${retention.size} publications, each for ${retention.ttlMs / 1_000} s`,
    presence && `who is there${presence.announces ? ', and tells subscribers who comes and goes' : ''}`,
    inbox && 'what each device of the user has acknowledged',
    schema && 'to its schema: what does not fit is refused',
  ].filter((sentence) => sentence !== undefined);
  return kept.length === 0 ? ['nothing'] : kept;
}
