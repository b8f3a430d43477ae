/** One notification as the pages show it. Anybody may publish anything in development mode, so nothing is taken for granted. */

export const noticeKinds = ['order', 'parcel', 'sale', 'news'] as const;
export type NoticeKind = (typeof noticeKinds)[number];

/** What is published: `{"kind","title","text"?,"at"?}`. */
export interface Notice {
  readonly kind: NoticeKind;
  readonly title: string;
  readonly text?: string;
  /** When it was sent, milliseconds since 1970. */
  readonly at?: number;
}

const titleCharacters = 120;
const textCharacters = 1_000;

/** Reads any published data as a notification: a string is its title, anything unknown is shown as its JSON. */
export function readNotice(data: unknown): Notice {
  if (typeof data === 'string') return { kind: 'news', title: cut(data, titleCharacters) };
  const { kind, title, text, at } = (typeof data === 'object' && data !== null ? data : {}) as {
    readonly kind?: unknown;
    readonly title?: unknown;
    readonly text?: unknown;
    readonly at?: unknown;
  };
  const shown = typeof title === 'string' && title !== '' ? title : JSON.stringify(data);
  return {
    kind: noticeKinds.find((known) => known === kind) ?? 'news',
    title: cut(shown ?? '', titleCharacters),
    ...(typeof text === 'string' && text !== '' && { text: cut(text, textCharacters) }),
    ...(isMoment(at) && { at }),
  };
}

function isMoment(at: unknown): at is number {
  return typeof at === 'number' && at > 0 && at < 8.64e15;
}

function cut(text: string, characters: number): string {
  if (text.length <= characters) return text;
  return `${text.slice(0, characters).replace(/[\ud800-\udbff]$/, '')}…`;
}
