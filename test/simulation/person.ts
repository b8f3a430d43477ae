/** Somebody with a page open, who keeps a list of who else is in its channels as PROTOCOL.md says. */
import type { Member } from '../../packages/protocol/src/index.ts';
import type { TestClient } from '../../packages/server/src/testing/core-host.ts';

interface Message {
  readonly id?: string;
  readonly event?: string;
  readonly type?: string;
  readonly member?: Member;
  readonly epoch?: string;
  readonly result?: { readonly members?: readonly Member[] };
}

export class Person {
  /** Who it is to others. */
  member: Member = { session: '' };
  /** What it shows when its page is loaded again. */
  token: string | undefined;
  session = '';
  /** Which worker has its connection. */
  at = 0;
  readonly rosters = new Map<string, Map<string, Member>>();
  #former: string | undefined;
  #client: TestClient | undefined;
  #isStalled = false;
  #toAsk = new Set<string>();

  get isConnected(): boolean {
    return this.#client !== undefined;
  }

  /** Its connection is full: what it sends is not read. */
  get isBusy(): boolean {
    return this.#isStalled;
  }

  get channels(): string[] {
    return [...this.rosters.keys()];
  }

  connected(client: TestClient, session: string, token: string | undefined): void {
    this.#client = client;
    this.session = session;
    this.token = token;
  }

  /** False where it is there, or cannot say so. */
  enter(channel: string): boolean {
    if (this.#isStalled || this.rosters.has(channel)) return false;
    this.rosters.set(channel, new Map());
    this.#client?.send({
      op: 'subscribe',
      channel,
      ...(this.#former !== undefined && { session: this.#former }),
    });
    this.ask(channel);
    return true;
  }

  leave(channel: string): boolean {
    if (this.#isStalled || !this.rosters.delete(channel)) return false;
    this.#client?.send({ op: 'unsubscribe', channel });
    return true;
  }

  login(token: string): boolean {
    if (this.#isStalled) return false;
    this.token = token;
    this.#client?.send({ op: 'auth', token });
    return true;
  }

  ask(channel: string): void {
    if (this.rosters.has(channel)) this.#toAsk.add(channel);
    this.#askNow();
  }

  cut(): void {
    this.#client?.connection.cut();
    this.#client = undefined;
    this.#former = this.session;
    this.#isStalled = false;
    this.#toAsk.clear();
    this.rosters.clear();
  }

  /** Reads no more. */
  stall(): void {
    if (this.#client === undefined) return;
    this.#client.connection.capacity = 0;
    this.#isStalled = true;
  }

  flow(): void {
    if (this.#client === undefined || !this.#isStalled) return;
    this.#client.connection.capacity = Number.POSITIVE_INFINITY;
    this.#isStalled = false;
    this.read();
    this.#askNow();
  }

  read(): void {
    if (this.#client === undefined || this.#isStalled) return;
    for (const line of this.#client.lines()) this.#take(JSON.parse(line) as Message);
    this.#askNow();
  }

  #askNow(): void {
    if (this.#isStalled) return;
    for (const channel of this.#toAsk) this.#client?.send({ id: channel, op: 'presence', channel });
    this.#toAsk.clear();
  }

  #take({ id, event, type, member, epoch, result }: Message): void {
    const roster = this.rosters.get(id ?? event ?? '');
    if (roster === undefined) return;
    if (result?.members !== undefined) {
      roster.clear();
      for (const listed of result.members) roster.set(listed.session, listed);
    } else if (type === 'gap' && epoch === undefined && event !== undefined) this.#toAsk.add(event);
    else if (member !== undefined) {
      const { former = [], ...plain } = member;
      for (const session of [member.session, ...former]) roster.delete(session);
      if (type === 'join') roster.set(member.session, plain);
    }
  }
}
