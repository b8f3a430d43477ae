/** Who is in a channel, kept up to date: a list, and the events that change it. */
import type { Member } from '@carillon/protocol';
import type { Channel } from './channel.ts';
import type { Off } from './emitter.ts';

/** Sessions that events may tell of before the list comes; past it the list is asked for again. */
const changesMax = 10_000;

/** Members by session; undefined: it is gone. */
type Changes = Map<string, Member | undefined>;

/** `changed` hears the list each time that it changes; `failed`, why it cannot be had. */
export function watchMembers(
  channel: Pick<Channel, 'on' | 'presence' | 'state'>,
  changed: (members: readonly Member[]) => void,
  failed: (error: unknown) => void,
): Off {
  const members = new Map<string, Member>();
  let isKnown = false;
  /** What was told since the list was asked for, while it is awaited. */
  let awaited: Changes | undefined;

  const put = (session: string, member?: Member) => {
    if (member) members.set(session, member);
    else members.delete(session);
  };
  const tell = () => {
    if (isKnown) changed([...members.values()]);
  };
  const ask = () => {
    const changes: Changes = new Map();
    awaited = changes;
    channel.presence().then(
      (list) => {
        // Asked again meanwhile, or over.
        if (awaited !== changes) return;
        awaited = undefined;
        isKnown = true;
        members.clear();
        for (const member of list) put(member.session, member);
        // Which of them it holds already is not to be seen. To say it twice changes nothing.
        for (const change of changes) put(...change);
        tell();
      },
      (error) => {
        if (awaited !== changes) return;
        awaited = undefined;
        // After a cut it is asked for anyway.
        if (channel.state === 'subscribed') failed(error);
      },
    );
  };
  const hear = ({ former = [], ...member }: Member, isThere: boolean) => {
    const changes: Changes = new Map(former.map((session) => [session, undefined]));
    changes.set(member.session, isThere ? member : undefined);
    for (const change of changes) {
      put(...change);
      awaited?.set(...change);
    }
    if (awaited && awaited.size > changesMax) ask();
    tell();
  };

  const offs = [
    channel.on('join', (member) => hear(member, true)),
    channel.on('leave', (member) => hear(member, false)),
    // Joins and leaves may be missing too.
    channel.on('gap', ask),
    channel.on('state', ({ state }) => state === 'subscribed' && ask()),
  ];
  if (channel.state === 'subscribed') ask();
  return () => {
    awaited = undefined;
    for (const off of offs) off();
  };
}
