/** What became of a publication for a user, put together from what the processes know: a verdict, each session, and a timeline. */
import { isoTime, limits, type Position } from '@carillon/protocol';
import { type DeliveryQuestion, nameOf, type ProcessFacts, type Recipient } from './delivery-facts.ts';
import type { Outcome, SessionStory } from './delivery-story.ts';
import { type TimelineEntry, timelineOf } from './delivery-timeline.ts';
import { type Knowledge, sessionSays } from './delivery-words.ts';

/** What is known besides what processes remember. */
export interface Circumstances extends Knowledge {
  readonly question: DeliveryQuestion;
  readonly facts: readonly ProcessFacts[];
  /** The offset that was asked about; absent: the newest. */
  readonly asked?: number;
  /** Why the rule lets the user subscribe, or does not: one sentence, and what it says. */
  readonly rule: { readonly allowed: boolean | 'hook'; readonly why: string };
}

/**
 * `acknowledged`, `written`: to one session at least. `waiting`: not yet. `lost`: who was there was told that it is gone. `excluded`.
 * `notSubscribed`: no session was subscribed then. `noSession`: the user has and had none. `unpublished`: there is no such offset yet.
 * `refused`: what was published last was refused. `unknown`: nothing is remembered of it.
 */
export type DeliveryVerdict =
  | 'acknowledged'
  | 'written'
  | 'waiting'
  | 'lost'
  | 'excluded'
  | 'notSubscribed'
  | 'noSession'
  | 'unpublished'
  | 'refused'
  | 'unknown';

export interface ReportedSession {
  readonly session: string;
  readonly worker: number;
  readonly outcome: Outcome;
  /** One sentence or two. */
  readonly says: string;
}

export interface DeliveryReport {
  readonly channel: string;
  readonly user?: string;
  readonly session?: string;
  /** Absent where the channel keeps no history, or nothing is known. */
  readonly position?: Position;
  readonly verdict: DeliveryVerdict;
  readonly summary: string;
  readonly sessions: readonly ReportedSession[];
  readonly timeline: readonly TimelineEntry[];
  /** What to know besides. */
  readonly notes: readonly string[];
}

export function deliveryReport(known: Circumstances): DeliveryReport {
  const { question, facts } = known;
  const { channel, to, position } = question;
  const sessions = facts
    .flatMap(({ worker = 0, stories }) => stories.map((story) => ({ worker, story })))
    .toSorted((a, b) => ranks.indexOf(a.story.outcome) - ranks.indexOf(b.story.outcome))
    .slice(0, limits.explainedTraces);
  const stories = sessions.map(({ story }) => story);
  const verdict = verdictOf(known, stories);
  return {
    channel,
    ...to,
    ...(position !== undefined && { position }),
    verdict,
    summary: summaryOf(verdict, known, stories),
    // What is not there yet waits for nobody.
    sessions: (verdict === 'unpublished' ? [] : sessions).map(({ worker, story }) => ({
      session: story.session,
      worker,
      outcome: story.outcome,
      says: sessionSays(story, known),
    })),
    timeline: timelineOf(known, known),
    notes: notesOf(verdict, known, stories),
  };
}

/** What is told first. */
const ranks: readonly Outcome[] = [
  ...(['live', 'replayed', 'waiting', 'lost', 'excluded'] as const),
  ...(['had', 'left', 'later', 'unknown', 'notSubscribed'] as const),
];

function verdictOf(known: Circumstances, stories: readonly SessionStory[]): DeliveryVerdict {
  const { page, asked, question, facts } = known;
  const isCurrent = page === undefined || question.position?.epoch === page.epoch;
  if (asked !== undefined && page !== undefined && isCurrent && asked > page.top) return 'unpublished';
  if (
    question.position === undefined &&
    facts.every(({ handed, published }) => handed.length + published.length === 0)
  ) {
    return facts.some(({ refusals }) => refusals.some(({ action }) => action === 'publish'))
      ? 'refused'
      : 'unknown';
  }
  if (known.acknowledgements.length > 0) return 'acknowledged';
  const has = (...outcomes: readonly Outcome[]): boolean =>
    stories.some(({ outcome }) => outcomes.includes(outcome));
  if (has('live', 'replayed', 'had')) return 'written';
  if (has('waiting')) return 'waiting';
  if (has('lost')) return 'lost';
  if (has('excluded')) return 'excluded';
  if (has('left', 'later', 'notSubscribed')) return 'notSubscribed';
  return has('unknown') ? 'unknown' : 'noSession';
}

function summaryOf(verdict: DeliveryVerdict, known: Circumstances, stories: readonly SessionStory[]): string {
  const { question, rule, page, acknowledgements } = known;
  const whom = nameOf(question.to);
  const count = (...outcomes: readonly Outcome[]): number =>
    stories.filter(({ outcome }) => outcomes.includes(outcome)).length;
  switch (verdict) {
    case 'acknowledged': {
      const [first] = acknowledgements;
      const when = first?.at === undefined ? '' : ` at ${isoTime(first.at)}`;
      return `Acknowledged by the device '${first?.device ?? ''}'${when}.`;
    }
    case 'written':
      return writtenText(known, stories);
    case 'waiting':
      return `Not written yet: ${plural(count('waiting'), 'session')} of ${whom} ${count('waiting') === 1 ? 'is' : 'are'} behind.`;
    case 'lost':
      return `Gone for ${whom}, who was told so.`;
    case 'excluded':
      return `Not for ${whom}: the publication excludes ${isOne(question.to) ? 'it' : 'this user'}.`;
    case 'notSubscribed':
      return `${capital(whom)} was not subscribed then. ${ruleSays(rule)}`;
    case 'noSession':
      return `${capital(whom)} ${isOne(question.to) ? 'is not there' : 'has no session'}, and none of before is remembered. ${ruleSays(rule)}`;
    case 'unpublished':
      return page?.top === 0
        ? 'Nothing was published yet.'
        : `Not published: the newest offset is ${page?.top}.`;
    case 'refused':
      return 'Nothing is remembered but publications that were refused.';
    case 'unknown':
      return 'Nothing is remembered of such a publication.';
  }
}

function writtenText({ question, inbox }: Circumstances, stories: readonly SessionStory[]): string {
  const whom = nameOf(question.to);
  const written = stories.filter(
    ({ outcome }) => outcome === 'live' || outcome === 'replayed' || outcome === 'had',
  );
  const to = isOne(question.to)
    ? whom
    : `${written.length} of ${plural(stories.length, 'session')} of ${whom}`;
  if (written.every(({ blockedSince }) => blockedSince !== undefined)) {
    return `Handed to ${to}, but its socket is full: the last of what was written may still be on the way.`;
  }
  if (written.every(({ outcome }) => outcome === 'had'))
    return `Not written: ${to} had it already, by the position that came with the subscribe.`;
  const end =
    inbox === undefined
      ? 'Whether the client took it is not known, for the channel is no inbox'
      : 'No device has acknowledged it';
  return `Written to ${to}. ${end}.`;
}

function ruleSays({ allowed, why }: Circumstances['rule']): string {
  if (allowed === 'hook') return `Whether it may subscribe: ${why}.`;
  return `It ${allowed ? 'may' : 'may not'} subscribe: ${why}.`;
}

function notesOf(
  verdict: DeliveryVerdict,
  known: Circumstances,
  stories: readonly SessionStory[],
): readonly string[] {
  const { question, page, kept, asked } = known;
  const offset = question.position?.offset ?? 0;
  const notes: string[] = [];
  if (stories.some(({ outcome }) => outcome === 'live' || outcome === 'replayed')) {
    notes.push(
      "'Written' is derived from how far the connection has been written to, not noted for each client; it means handed to its socket.",
    );
  }
  if (page === undefined)
    notes.push(
      'The channel keeps no history: who is not subscribed, or falls behind, does not get a publication later.',
    );
  if (page !== undefined && question.position !== undefined && question.position.epoch !== page.epoch) {
    notes.push(
      `The channel's epoch is '${page.epoch}' now: positions of before mean nothing any more, and who had one was told.`,
    );
  } else if (kept !== undefined && verdict !== 'acknowledged' && verdict !== 'excluded') {
    notes.push(
      'It stands in history: a client that comes back with an earlier position, or asks `history`, gets it.',
    );
  } else if (page !== undefined && offset > 0 && offset < page.oldest) {
    notes.push(`It is no longer in history, which begins with offset ${page.oldest}.`);
  } else if (verdict === 'unpublished' && asked !== undefined) {
    notes.push("What was published in an earlier epoch is found with that 'epoch'.");
  }
  return [...notes, ...memoryNotes(known)];
}

/** Where memory ends. */
function memoryNotes({ facts, question }: Circumstances): readonly string[] {
  const isKnown = facts.some(({ published, handed }) => published.length + handed.length > 0);
  return facts.flatMap(({ worker, gone = [], publicationsSince, subscriptionsSince }) => {
    const where = worker === undefined || facts.length === 1 ? '' : ` at worker ${worker}`;
    const notes: string[] = gone.map(
      (each) => `Worker ${each.worker} ended at ${isoTime(each.at)}, and what it remembered is gone with it.`,
    );
    if (!isKnown && publicationsSince !== undefined && question.position !== undefined) {
      notes.push(
        `How it came in is not remembered: what is${where} begins at ${isoTime(publicationsSince)}.`,
      );
    }
    if (subscriptionsSince !== undefined) {
      notes.push(
        `Subscriptions and sessions that ended are remembered${where} since ${isoTime(subscriptionsSince)}.`,
      );
    }
    return notes;
  });
}

function isOne(to: Recipient): boolean {
  return 'session' in to;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
