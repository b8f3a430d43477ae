/** One seeded world of people who come into channels and leave them in every way there is, and keep lists of who else is there. */
import type { Member } from '../../packages/protocol/src/index.ts';
import type { Identity } from '../../packages/server/src/core/access.ts';
import type { Rule } from '../../packages/server/src/core/rules.ts';
import { FakeConnection } from '../../packages/server/src/testing/fake-connection.ts';
import { LineWire } from '../../packages/server/src/testing/line-wire.ts';
import { pick, type Random, random } from '../support/random.ts';
import { Person } from './person.ts';
import type { Place, PlaceOptions } from './places.ts';

const open = { subscribe: 'anyone', publish: 'anyone', readHistory: 'anyone' } as const;
const presence = { announces: true };
const rules: readonly Rule[] = [
  { pattern: 'kept', ...open, presence, retention: { size: 40, ttlMs: 600_000 } },
  { pattern: 'plain', ...open, presence },
  { pattern: 'quiet', ...open, presence: { announces: false } },
];
const channels = ['kept', 'plain', 'quiet'];
const tokens = ['ann', 'ann/A', 'bob', 'cat/C', 'cat/D', undefined, undefined];
const graceMs = 5_000;

/** What happened in a world, to see that worlds are worth anything. */
export interface Tally {
  steps: number;
  joins: number;
  leaves: number;
  gaps: number;
  /** Who came back and nobody was told. */
  silent: number;
}

interface Feed {
  readonly connection: FakeConnection;
  readonly session: string;
  readonly channel: string;
  /** Which worker has it. */
  readonly at: number;
}

export class PresenceWorld {
  readonly tally: Tally = { steps: 0, joins: 0, leaves: 0, gaps: 0, silent: 0 };
  readonly #draw: Random;
  readonly #place: Place;
  readonly #people: Person[];
  #feeds: Feed[] = [];
  /** Who is in each channel, as the world itself knows it. */
  readonly #truth = new Map<string, Map<string, Member>>(channels.map((channel) => [channel, new Map()]));
  readonly #kills: boolean;

  /** `kills`: workers die now and then, and with them all connections that they have. */
  constructor(seed: number, make: (options: PlaceOptions) => Place, { kills = false } = {}) {
    this.#draw = random(seed);
    this.#kills = kills;
    this.#place = make({
      rules,
      graceMs,
      laneLogBytes: pick(this.#draw, [500, 1_048_576]),
      authenticate: (token) => Promise.resolve(identityOf(token)),
    });
    this.#people = Array.from({ length: 9 }, () => new Person());
  }

  async run(steps: number): Promise<Tally> {
    await this.#place.start();
    for (let step = 0; step < steps; step++) {
      await this.#step();
      await this.#settle();
      await this.#checkLists();
      this.tally.steps += 1;
      if (step % 50 === 49) await this.#checkFollowers();
    }
    for (const person of this.#people.slice(1)) this.#cut(person);
    this.#endFeeds(this.#feeds.length);
    await this.#checkFollowers();
    const { presenceEvents, gaps } = this.#place.counted();
    this.tally.joins = presenceEvents.get('join') ?? 0;
    this.tally.leaves = presenceEvents.get('leave') ?? 0;
    this.tally.gaps = gaps;
    return this.tally;
  }

  async #step(): Promise<void> {
    const person = pick(this.#draw, this.#people);
    const channel = pick(this.#draw, channels);
    const what = this.#draw(100);
    if (!person.isConnected) this.#connect(person, pick(this.#draw, tokens));
    else if (what < 25) this.#enter(person, channel);
    else if (what < 32) this.#unsubscribe(person, channel);
    else if (what < 40) this.#cut(person);
    else if (what < 42 && this.#kills) await this.#kill();
    else if (what < 52) this.#reload(person);
    else if (what < 58) this.#login(person);
    else if (what < 62) this.#bind(person);
    else if (what < 66) person.stall();
    else if (what < 69) person.flow();
    else if (what < 75) await this.#openFeed(channel);
    else if (what < 81) this.#endFeeds(this.#draw(3));
    else if (what < 92) await this.#publish(channel);
    else if (what < 95) person.ask(channel);
    else await this.#place.clock.elapse(pick(this.#draw, [100, 1_000, 3_000, 6_000]));
  }

  #connect(person: Person, token: string | undefined): void {
    person.at = this.#draw(this.#place.workers);
    const client = this.#place.host(person.at).connect(token === undefined ? {} : { token });
    person.connected(client, this.#place.lastSession, token);
    person.member = memberOf(person.session, token === undefined ? {} : identityOf(token));
  }

  #enter(person: Person, channel: string): void {
    if (!person.enter(channel)) return;
    this.#truthOf(channel).set(person.session, person.member);
  }

  #unsubscribe(person: Person, channel: string): void {
    if (person.leave(channel)) this.#truthOf(channel).delete(person.session);
  }

  #cut(person: Person): void {
    for (const channel of channels) this.#truthOf(channel).delete(person.session);
    person.cut();
  }

  /** The page comes back at once, or a little later, into the channels that it was in. */
  #reload(person: Person): void {
    const { channels: before, token, member } = person;
    const isSame = JSON.stringify(memberOf(person.session, identityOf(token))) === JSON.stringify(member);
    this.#cut(person);
    this.#connect(person, token);
    for (const channel of before) this.#enter(person, channel);
    if (isSame) this.tally.silent += before.length;
  }

  #login(person: Person): void {
    const { user } = person.member;
    const mine = tokens.filter(
      (token) => token !== undefined && (user === undefined || identityOf(token).user === user),
    );
    const token = mine.length === 0 ? undefined : pick(this.#draw, mine);
    if (token === undefined || !person.login(token)) return;
    this.#become(person, memberOf(person.session, identityOf(token)));
  }

  #bind(person: Person): void {
    const { session, member, at } = person;
    const { people } = this.#place.host(at).node.reach;
    const user = pick(this.#draw, ['ann', 'dan', undefined]);
    if (user === member.user || person.isBusy) return;
    if (user === undefined) people.unbind(session, undefined);
    else people.bind(session, user);
    this.#become(person, { session, ...(user !== undefined && { user }) });
  }

  #become(person: Person, member: Member): void {
    person.member = member;
    for (const channel of person.channels) this.#truthOf(channel).set(person.session, member);
  }

  async #openFeed(channel: string): Promise<void> {
    const token = pick(this.#draw, tokens);
    const request = { address: '', headers: {}, channels: [channel], ...(token !== undefined && { token }) };
    const at = this.#draw(this.#place.workers);
    const prepared = await this.#place.host(at).node.prepareFeed(request);
    const isBrief = this.#draw(2) === 0;
    const connection = new FakeConnection(new LineWire({ isBare: true, isBrief }));
    connection.listen(prepared.open(connection));
    const session = this.#place.lastSession;
    this.#feeds.push({ connection, session, channel, at });
    this.#truthOf(channel).set(session, memberOf(session, token === undefined ? {} : identityOf(token)));
  }

  #endFeeds(count: number): void {
    for (const feed of this.#feeds.splice(0, count)) this.#endFeed(feed);
  }

  #endFeed({ connection, session, channel }: Feed): void {
    connection.cut();
    this.#truthOf(channel).delete(session);
  }

  /** Everybody at one worker loses the connection; another worker takes its place. */
  async #kill(): Promise<void> {
    const at = this.#draw(this.#place.workers);
    this.#place.kill(at);
    for (const person of this.#people) if (person.isConnected && person.at === at) this.#cut(person);
    for (const feed of this.#feeds) if (feed.at === at) this.#endFeed(feed);
    this.#feeds = this.#feeds.filter((feed) => feed.at !== at);
    await this.#place.replace(at);
  }

  async #publish(channel: string): Promise<void> {
    const data = JSON.stringify('x'.repeat(this.#draw(600)));
    const { node } = this.#place.host(this.#draw(this.#place.workers));
    for (let count = this.#draw(6); count >= 0; count--) await node.publish(channel, data);
  }

  async #settle(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      await this.#place.settle();
      for (const person of this.#people) person.read();
      for (const { connection } of this.#feeds) connection.read();
    }
  }

  /** The server's lists are the truth at every moment. */
  async #checkLists(): Promise<void> {
    for (const channel of channels) {
      const truth = [...this.#truthOf(channel).values()];
      const { members, sessions, users } = await this.#place
        .host(this.#draw(this.#place.workers))
        .node.presence.list(channel);
      same(`the list of ${channel}`, members, truth);
      const names = new Set(truth.flatMap(({ user }) => user ?? []));
      if (sessions !== truth.length || users !== names.size)
        throw new Error(
          `${sessions} sessions and ${users} users in ${channel}, not ${truth.length} and ${names.size}`,
        );
    }
  }

  /** When nothing has happened for longer than the grace, the lists that clients keep are the truth, too. */
  async #checkFollowers(): Promise<void> {
    for (const person of this.#people) person.flow();
    // Polls of nobody are not announced.
    this.#endFeeds(this.#feeds.length);
    await this.#place.clock.elapse(2 * graceMs);
    for (let round = 0; round < 10; round++) await this.#settle();
    for (const person of this.#people) {
      for (const [channel, roster] of person.rosters) {
        if (channel === 'quiet') continue;
        const kept = [...roster.values()];
        same(
          `${person.session}'s list of ${channel}`,
          unnamed(kept),
          unnamed([...this.#truthOf(channel).values()]),
        );
      }
    }
  }

  #truthOf(channel: string): Map<string, Member> {
    return this.#truth.get(channel) ?? new Map();
  }
}

/** `ann/x` is the user ann with the info `x`; nothing is nobody. */
function identityOf(token: string | undefined): Identity {
  if (token === undefined) return {};
  const [user = '', info] = token.split('/');
  return { user, ...(info !== undefined && { info }) };
}

function memberOf(session: string, { user, info }: Identity): Member {
  return { session, ...(user !== undefined && { user }), ...(info !== undefined && { info }) };
}

/** Whose coming back was not told stands in a follower's list as the session that it was. */
function unnamed(members: readonly Member[]): Member[] {
  return members.map((member) => ({ ...member, session: '' }));
}

function same(what: string, found: readonly Member[], expected: readonly Member[]): void {
  const [a, b] = [found, expected].map((members) =>
    members.map((member) => JSON.stringify(member)).toSorted(),
  );
  if (JSON.stringify(a) !== JSON.stringify(b))
    throw new Error(`${what} is ${a?.join()} and not ${b?.join()}`);
}
