/** The sentences of an explanation about one session. */
import { isoTime } from '@carillon/protocol';
import type { SessionStory, Subscribed } from './delivery-story.ts';

/** What the sentences depend on besides the session. */
export interface Knowledge {
  /** Where the channel's stream is now; absent: it keeps no history. */
  readonly page?: { readonly epoch: string; readonly top: number; readonly oldest: number };
  /** The publication as it stands in history; absent where it does not. */
  readonly kept?: { readonly at?: number };
  /** Absent: the channel is no inbox of theirs. */
  readonly inbox?: object;
  /** By which devices it was acknowledged; the first of them first. */
  readonly acknowledgements: readonly {
    readonly device: string;
    /** Absent where only that it was is known. */
    readonly at?: number;
  }[];
  /** When the publication was handed on; absent where nobody remembers. */
  readonly publishedAt?: number;
}

export function sessionSays(story: SessionStory, known: Knowledge): string {
  const { outcome, subscribed } = story;
  if (outcome === 'notSubscribed') return notSubscribed(story);
  if (outcome === 'unknown') return 'What is remembered does not say.';
  if (outcome === 'excluded') return 'The publication excludes it, live and in every replay.';
  return subscribed === undefined ? '' : says[outcome](story, subscribed, known);
}

type Says = (story: SessionStory, subscribed: Subscribed, known: Knowledge) => string;

const says: Readonly<
  Record<Exclude<SessionStory['outcome'], 'notSubscribed' | 'unknown' | 'excluded'>, Says>
> = {
  live: (story, _, { publishedAt }) => {
    const stall = publishedAt === undefined ? undefined : stallAt(story, publishedAt);
    const late =
      stall &&
      `It came while its socket was full, and was written when that had room again, at ${isoTime(stall.until)}.`;
    return `${late ?? 'Written to its connection as it came.'}${fullSince(story)}`;
  },
  replayed: (story, { joinedAt }) =>
    `Written from history when it subscribed, at ${isoTime(joinedAt)}.${fullSince(story)}`,
  waiting: (story, { state, reached, epoch }) => {
    const place = epoch === '' ? '' : `; it has what came up to offset ${reached}`;
    if (story.blockedSince !== undefined) {
      return `Not written yet: its socket is full since ${isoTime(story.blockedSince)}${place}. It is written when the client reads again, from what the channel keeps ready or from history; what neither has is told as a gap.`;
    }
    if (state === 'joining' || state === 'confirmed') return 'Its subscribe is being answered.';
    return `Not written yet: it reads on${place}.`;
  },
  lost: ({ gaps }, { startedBy, startOffset }) => {
    const gap = gaps.at(-1);
    if (gap === undefined && startedBy === 'lost') {
      return `It wanted to go on from where it had been, and was told that what came before offset ${startOffset + 1} is gone.`;
    }
    const range = gap === undefined || gap.to === 0 ? '' : ` from ${gap.from} to ${gap.to}`;
    return `It was told of a gap${range}${gap === undefined ? '' : `, at ${isoTime(gap.at)}`}.`;
  },
  later: (_, { joinedAt, startOffset, epoch, startedBy }) => {
    const from = epoch === '' ? '' : `, and was given what comes behind offset ${startOffset}`;
    const why =
      startedBy === 'last' ? ', as it asked for the newest only' : '; it named no position of before';
    return `It subscribed at ${isoTime(joinedAt)}, after the publication${from}${epoch === '' ? '' : why}.`;
  },
  had: (_, { startOffset, joinedAt }, { inbox }) =>
    inbox === undefined
      ? `It asked for what comes behind offset ${startOffset} when it subscribed, at ${isoTime(joinedAt)}: by its own word it had this.`
      : `It began behind offset ${startOffset} when it subscribed, at ${isoTime(joinedAt)}: it, or its device, had this.`,
  left: (story, { leftAt = 0, blockedSince }) => {
    const full = blockedSince > 0 ? `, with its socket full since ${isoTime(blockedSince)}` : '';
    return `Its subscription ended at ${isoTime(leftAt)}${full}, before it was written. ${endText(story)}`.trimEnd();
  },
};

function notSubscribed(story: SessionStory): string {
  const { ended } = story;
  return ended === undefined
    ? 'It is not subscribed to the channel.'
    : `It was not subscribed to the channel. ${endText(story)}`;
}

/** How the session ended; empty where it did not. */
export function endText({ ended }: Pick<SessionStory, 'ended'>): string {
  if (ended === undefined) return '';
  const { at, code, reason } = ended;
  const why = code === 0 ? ', without a close code' : ` with ${code}${reason === '' ? '' : ` (${reason})`}`;
  return `The session ended at ${isoTime(at)}${why}.`;
}

function fullSince({ blockedSince }: SessionStory): string {
  if (blockedSince === undefined) return '';
  return ` Its socket is full since ${isoTime(blockedSince)}, so the last of what was written may still be on the way.`;
}

function stallAt({ stalls }: SessionStory, at: number): { readonly until: number } | undefined {
  return stalls.find((stall) => stall.at < at && at < stall.until);
}
