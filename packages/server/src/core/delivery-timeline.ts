/** What happened around a publication, in the order of time, a sentence each. */
import { limits } from '@carillon/protocol';
import type { DeliveryQuestion, ProcessFacts } from './delivery-facts.ts';
import type { SessionStory } from './delivery-story.ts';
import type { Knowledge } from './delivery-words.ts';
import type { HandedTrace, PublishedTrace, RefusedTrace, Way } from './traces.ts';

export interface TimelineEntry {
  /** Milliseconds of the clock. */
  readonly at: number;
  /** Absent: the primary, or the broker. */
  readonly worker?: number;
  readonly says: string;
}

/** By how much the clocks of two processes may differ: each follows the wall clock only when that is a second ahead. */
const skewMs = 1_000;
/** Refusals that are named. */
const namedRefusals = 5;

export function timelineOf(
  { question, facts }: { readonly question: DeliveryQuestion; readonly facts: readonly ProcessFacts[] },
  known: Knowledge,
): readonly TimelineEntry[] {
  const entries: TimelineEntry[] = [];
  if (known.kept?.at !== undefined) {
    const { epoch = '', offset = 0 } = question.position ?? {};
    entries.push({
      at: appendedAt(known.kept.at, facts),
      says: `appended to history: epoch ${epoch}, offset ${offset}`,
    });
  }
  const first = firstOf(facts);
  for (const each of facts) {
    const { worker, gone = [], published, handed, acknowledged, stories } = each;
    const add = (at: number, says: string): void => {
      entries.push({ at, ...(worker !== undefined && { worker }), says });
    };
    for (const trace of published) publicationEntries(trace, isRepeat(trace, first, each, known), add);
    for (const trace of handed) add(trace.at, handedText(trace));
    for (const trace of refusalsAfter(each, published[0]?.at ?? handed[0]?.at))
      add(trace.at, refusalText(trace));
    for (const { at, device, offset } of acknowledged) {
      const who = device === '' ? 'all devices have' : `the device '${device}' has`;
      add(at, `${who} acknowledged everything up to offset ${offset}`);
    }
    for (const each of gone) if (each.at >= (first?.at ?? 0)) add(each.at, `worker ${each.worker} ended`);
    const seen = new Set<string>();
    for (const story of stories) sessionEntries(story, seen, add);
  }
  return entries.toSorted((a, b) => a.at - b.at).slice(-limits.explainedEntries);
}

type Add = (at: number, says: string) => void;

const ways: Readonly<Record<Way, string>> = {
  api: 'came in over the server API',
  client: 'came in from a client',
  ingest: 'came in from Redis',
  hook: 'published by a hook',
  server: 'published by the server itself',
};

function publicationEntries(
  { at, way, session, epoch, offset }: PublishedTrace,
  isAgain: boolean,
  add: Add,
): void {
  const who = session === '' ? '' : `, the session ${session}`;
  if (isAgain) {
    add(
      at,
      `${ways[way]}${who} again, with the same idempotency key: nothing was published, and it got the first answer`,
    );
    return;
  }
  add(
    at,
    `${ways[way]}${who}, and was answered ${offset === 0 ? 'without an offset' : `offset ${offset}, epoch ${epoch}`}`,
  );
}

/** Whether nothing came of it, because the key had its answer; what came in first may be forgotten. */
function isRepeat(
  trace: PublishedTrace,
  first: PublishedTrace | undefined,
  { worker, handed: [handed] }: ProcessFacts,
  { kept }: Knowledge,
): boolean {
  const { at, isKeyed, offset } = trace;
  if (!isKeyed || offset === 0) return false;
  if (trace !== first) return true;
  if (handed !== undefined) return handed.at < at;
  const appendedAt = kept?.at ?? at;
  return appendedAt + (worker === undefined ? 0 : skewMs) < Math.floor(at);
}

function handedText({ listeners, workers }: HandedTrace): string {
  if (workers !== undefined) {
    return workers.length === 0
      ? 'handed on to no worker: none had a subscriber'
      : `handed on to ${workers.length === 1 ? 'worker' : 'the workers'} ${workers.join(', ')}`;
  }
  if (listeners === 0) return 'handed on; nobody was subscribed here';
  return `handed on to ${listeners} subscription${listeners === 1 ? '' : 's'}`;
}

function refusalText({ action, way, session, code, message }: RefusedTrace): string {
  if (action === 'subscribe') return `the session ${session} was refused a subscribe: ${message} (${code})`;
  const who = session === '' ? '' : `, the session ${session}`;
  return `a publication that ${way === 'hook' || way === 'server' ? `was ${ways[way]}` : ways[way]}${who} was refused: ${message} (${code})`;
}

/** Publications that were refused since, and subscribes whenever. */
function refusalsAfter({ refusals }: ProcessFacts, at = 0): readonly RefusedTrace[] {
  return refusals.filter((trace) => trace.action === 'subscribe' || trace.at > at).slice(0, namedRefusals);
}

function sessionEntries(story: SessionStory, seen: Set<string>, add: Add): void {
  const { session, wire, begunAt, ended, subscribed, gaps, stalls } = story;
  if (!seen.has(session)) {
    seen.add(session);
    if (begunAt !== undefined) add(begunAt, `the session ${session} came (${wire})`);
    for (const { at, until } of stalls) {
      add(at, `the socket of ${session} was full for ${Math.round(until - at)} ms`);
    }
    if (story.blockedSince !== undefined)
      add(story.blockedSince, `the socket of ${session} is full since then`);
    if (ended !== undefined) {
      const why =
        ended.code === 0 ? '' : ` with ${ended.code}${ended.reason === '' ? '' : ` (${ended.reason})`}`;
      add(ended.at, `the session ${session} ended${why}`);
    }
  }
  if (subscribed === undefined) return;
  const { joinedAt, leftAt, epoch, startOffset, startTop } = subscribed;
  const behind = epoch === '' ? '' : `, to begin behind offset ${startOffset}`;
  const replay = epoch !== '' && startTop > startOffset ? `, from history up to ${startTop}` : '';
  add(joinedAt, `the session ${session} subscribed${behind}${replay}`);
  for (const { at, from, to } of gaps)
    add(at, `the session ${session} was told of a gap${to === 0 ? '' : ` from ${from} to ${to}`}`);
  if (leftAt !== undefined && (ended === undefined || leftAt < ended.at)) {
    add(leftAt, `the subscription of ${session} ended`);
  }
}

/** Between the coming in and the handing on, which are told more finely than history keeps its time. */
function appendedAt(at: number, facts: readonly ProcessFacts[]): number {
  const first = firstOf(facts)?.at ?? Number.NEGATIVE_INFINITY;
  const handedAt = Math.min(...facts.flatMap(({ handed }) => handed.map((trace) => trace.at)));
  return Math.min(Math.max(at, first < handedAt ? first + tiny : at), handedAt - tiny);
}

/** Less than what lies between two stamps. */
const tiny = 1 / 4_096;

/** The one that was first, of those that got the same answer. */
function firstOf(facts: readonly ProcessFacts[]): PublishedTrace | undefined {
  return facts.flatMap(({ published }) => published).toSorted((a, b) => a.at - b.at)[0];
}
