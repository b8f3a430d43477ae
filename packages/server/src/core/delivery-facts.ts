/** What one process knows of what became of a publication for a user: what it remembers, and how its sessions stand now. */
import { limits, type Position } from '@carillon/protocol';
import type { Addressee } from './addressee.ts';
import type { Exclusion } from './broker.ts';
import { leftBy, type SessionStory, type Subscribed, standingOf, storyOf } from './delivery-story.ts';
import type { Registry } from './registry.ts';
import type { AcknowledgedTrace, EndedTrace, HandedTrace, PublishedTrace, RefusedTrace } from './traces.ts';
import type { Trail } from './trail.ts';

/** Whom it is about. */
export type Recipient = { readonly user: string } | { readonly session: string };

export function nameOf(to: Recipient): string {
  return 'user' in to ? `the user '${to.user}'` : `the session '${to.session}'`;
}

export interface DeliveryQuestion {
  readonly channel: string;
  readonly to: Recipient;
  /** Absent: the newest publication that the process knows of. */
  readonly position?: Position;
  /** As history knows it. */
  readonly exclude?: Exclusion;
}

export interface ProcessFacts {
  /** The worker that it is, 0 where there is only one process; absent: the primary. */
  readonly worker?: number;
  /** The newest first, all of them. */
  readonly published: readonly PublishedTrace[];
  readonly handed: readonly HandedTrace[];
  readonly refusals: readonly RefusedTrace[];
  readonly acknowledged: readonly AcknowledgedTrace[];
  readonly stories: readonly SessionStory[];
  /** In a primary: workers that ended, and what they remembered with them. */
  readonly gone?: readonly { readonly worker: number; readonly at: number }[];
  /** Since when publications, and ended subscriptions, are remembered without a hole; absent: since the process began. */
  readonly publicationsSince?: number;
  readonly subscriptionsSince?: number;
}

const most = limits.explainedTraces;

export class DeliveryFacts {
  readonly #trail: Trail;
  readonly #registry: Pick<Registry<Addressee>, 'user' | 'session'>;
  readonly #worker: number | undefined;

  constructor(trail: Trail, registry: Pick<Registry<Addressee>, 'user' | 'session'>, worker?: number) {
    this.#worker = worker;
    this.#trail = trail;
    this.#registry = registry;
  }

  /** Looks through what is remembered: a few milliseconds at most, and only when somebody asks. */
  facts(question: DeliveryQuestion): ProcessFacts {
    const trail = this.#trail;
    const about = publicationTraces(trail, question);
    const { published, handed, left, ended } = trail;
    const handedAt = about.handed.at(-1)?.at;
    return {
      ...(this.#worker !== undefined && { worker: this.#worker }),
      ...about,
      refusals: this.#refusals(question),
      acknowledged: trail.acknowledged.newest(most, (trace) => isAcknowledged(trace, question)),
      stories: this.#stories(question, about.handed.at(-1), handedAt),
      ...since('publicationsSince', [published, handed]),
      ...since('subscriptionsSince', [left, ended]),
    };
  }

  #refusals({ channel, to }: DeliveryQuestion): RefusedTrace[] {
    return this.#trail.refusals.newest(most, (trace) => {
      if (trace.channel !== channel) return false;
      return trace.action === 'publish' || isTheirs(trace, to);
    });
  }

  #stories(
    question: DeliveryQuestion,
    handed: HandedTrace | undefined,
    handedAt: number | undefined,
  ): SessionStory[] {
    const { channel, to, position, exclude = handed?.exclude } = question;
    const publication = {
      epoch: position?.epoch ?? handed?.epoch ?? '',
      offset: position?.offset ?? handed?.offset ?? 0,
      exclude,
      handedAt,
    };
    const troubles = this.#trail.troubles.newest(
      limits.tracedTroubles,
      (trace) => isTheirs(trace, to) && (trace.channel === channel || trace.channel === ''),
    );
    const story = (session: Parameters<typeof storyOf>[0], subscribed?: Subscribed): SessionStory =>
      storyOf(session, subscribed, { publication, troubles });
    const left = this.#trail.left.newest(most, (trace) => trace.channel === channel && isTheirs(trace, to));
    const ended = this.#trail.ended.newest(most, (trace) => isTheirs(trace, to));
    const stories: SessionStory[] = [];
    for (const session of this.#sessions(to)) {
      if (stories.length === most) break;
      const subscription = session.subscription(channel);
      const before = left.filter((trace) => trace.session === session.id);
      for (const trace of before.toReversed()) stories.push(story(session, leftBy(trace)));
      if (subscription !== undefined) stories.push(story(session, standingOf(subscription)));
      else if (before.length === 0) stories.push(story(session));
    }
    for (const session of ended) {
      if (stories.length >= most) break;
      const theirs = left.filter((trace) => trace.session === session.session);
      for (const trace of theirs.toReversed()) stories.push(story(session, leftBy(trace)));
      if (theirs.length === 0) stories.push(story(session));
    }
    return [
      ...stories,
      ...strays(left, ended, stories).map((trace) => story({ id: trace.session }, leftBy(trace))),
    ];
  }

  #sessions(to: Recipient): Iterable<Addressee> {
    if ('user' in to) return this.#registry.user(to.user);
    const session = this.#registry.session(to.session);
    return session === undefined ? [] : [session];
  }
}

/** Ended subscriptions whose session is not remembered. */
function strays<Left extends { readonly session: string }>(
  left: readonly Left[],
  ended: readonly EndedTrace[],
  stories: readonly SessionStory[],
): Left[] {
  const known = new Set([...ended, ...stories].map(({ session }) => session));
  return left.filter(({ session }) => !known.has(session));
}

function publicationTraces(
  { published, handed }: Trail,
  { channel, position }: DeliveryQuestion,
): Pick<ProcessFacts, 'published' | 'handed'> {
  if (position !== undefined) {
    const matches = (trace: PublishedTrace | HandedTrace): boolean =>
      trace.offset === position.offset && trace.epoch === position.epoch && trace.channel === channel;
    return { published: published.newest(most, matches), handed: handed.newest(most, matches) };
  }
  const ofChannel = (trace: PublishedTrace | HandedTrace): boolean => trace.channel === channel;
  return { published: published.newest(1, ofChannel), handed: handed.newest(1, ofChannel) };
}

function isAcknowledged(trace: AcknowledgedTrace, { channel, position }: DeliveryQuestion): boolean {
  if (trace.channel !== channel || position === undefined) return false;
  return trace.epoch === position.epoch && trace.offset >= position.offset;
}

function isTheirs(trace: { readonly session: string; readonly user: string }, to: Recipient): boolean {
  return 'user' in to ? trace.user === to.user : trace.session === to.session;
}

type Remembered = Iterable<{ readonly at: number }> & {
  readonly isFull: boolean;
  readonly oldest: { readonly at: number } | undefined;
};

/** Of what has given something up, the time from which on all has everything. */
function since<Name extends string>(
  name: Name,
  rings: readonly Remembered[],
): { readonly [Key in Name]?: number } {
  const full = rings.filter(({ isFull }) => isFull).map(({ oldest }) => oldest?.at ?? 0);
  return (full.length === 0 ? {} : { [name]: Math.max(...full) }) as { readonly [Key in Name]?: number };
}
