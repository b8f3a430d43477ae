/** The rules of the settings as the core takes them, and what they say about one client and channel. */
import type { ChannelSettings, Settings } from '../config/settings.ts';
import { type Explanation, explain, type Question } from '../core/explain.ts';
import { rendezvousRule } from '../core/rendezvous.ts';
import type { Rule } from '../core/rules.ts';

export function rulesOf({ channels, rendezvous }: Settings): Rule[] {
  const rules = channels.map(toRule);
  return rendezvous === undefined ? rules : [...rules, rendezvousRule(rendezvous.ttlMs)];
}

/** Asks nobody and starts nothing: what a server with these settings would say. */
export function explainChannel(settings: Settings, question: Omit<Question, 'admitsAnonymous'>): Explanation {
  return explain(rulesOf(settings), { ...question, admitsAnonymous: settings.auth.anonymous });
}

function toRule({ history, ...rule }: ChannelSettings): Rule {
  return { ...rule, ...(history !== undefined && { retention: history }) };
}
