/** One login by QR code as the desktop page goes through it. Knows nothing of how it looks. */
import { post, Refusal } from '../shared/request.ts';
import { recall, remember } from '../shared/storage.ts';
import { listen, type TransportName } from './listening.ts';

export type Stage =
  | { readonly name: 'drawing' }
  /** `until`: when it expires, by this page's clock in milliseconds. */
  | { readonly name: 'waiting'; readonly code: string; readonly until: number }
  | { readonly name: 'scanned'; readonly code: string; readonly until: number; readonly who: string }
  | { readonly name: 'collecting' }
  | { readonly name: 'done'; readonly who: string }
  | { readonly name: 'expired' | 'cancelled' | 'used' }
  | { readonly name: 'failed'; readonly reason: string };

/** What happens, for those who want to see it. */
export interface LoginEvents {
  stage(stage: Stage): void;
  connected(isConnected: boolean): void;
  /** A request and its answer, or an event of the channel. */
  step(what: string, data: unknown): void;
}

interface Drawn {
  readonly code: string;
  readonly secret: string;
  readonly channel: string;
  readonly expires: number;
}

/** In a real site the session, a cookie say, takes the place of the name. */
const drawnKey = 'carillon.qr.drawn';
const whoKey = 'carillon.qr.who';

/** Between two tries of a request that got no answer, and after the time has run out before the state is asked for. */
const retryMs = 1_000;

export class Login {
  readonly #transport: TransportName;
  readonly #events: LoginEvents;
  #stage: Stage = { name: 'drawing' };
  #drawn: Drawn | undefined;
  #stopListening: (() => void) | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #isCollecting = false;
  /** The channel has said so, whatever an answer that was under way says. */
  #isConfirmed = false;

  constructor(transport: TransportName, events: LoginEvents) {
    this.#transport = transport;
    this.#events = events;
  }

  /** Goes on where the page was before it was loaded again, or draws a code. */
  async start(): Promise<void> {
    const who = recall(whoKey, 'session');
    if (who !== undefined && who !== '') {
      this.#go({ name: 'done', who });
      return;
    }
    const drawn = readDrawn();
    if (drawn === undefined) await this.draw();
    else if (await this.#resume(drawn)) this.#listen(drawn);
  }

  /** Draws a new code; whoever was signed in no longer is. */
  async draw(): Promise<void> {
    this.#leave();
    remember(whoKey, '', 'session');
    this.#go({ name: 'drawing' });
    try {
      const drawn = (await post('/rendezvous')) as Drawn;
      this.#events.step('POST /rendezvous', drawn);
      remember(drawnKey, JSON.stringify(drawn), 'session');
      this.#drawn = drawn;
      this.#go({ name: 'waiting', code: drawn.code, until: Date.now() + drawn.expires * 1_000 });
      this.#listen(drawn);
    } catch (error) {
      this.#go({ name: 'failed', reason: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Whether the rendezvous of before is still worth listening to. */
  async #resume(drawn: Drawn): Promise<boolean> {
    this.#drawn = drawn;
    await this.#collect();
    return this.#stage.name === 'waiting' || this.#stage.name === 'scanned';
  }

  #listen({ channel }: Drawn): void {
    this.#stopListening = listen(this.#transport, channel, {
      heard: (data) => this.#heard(data),
      connected: this.#events.connected,
    });
  }

  #heard(data: unknown): void {
    const { state, expires, info } = data as { state: string; expires?: number; info?: { name?: unknown } };
    this.#events.step(this.#drawn?.channel ?? '', data);
    const stage = this.#stage;
    if (state === 'scanned') {
      const who = typeof info?.name === 'string' ? info.name : '';
      // Heard again after a reload, when the time that is left is known better.
      const until = stage.name === 'scanned' ? stage.until : Date.now() + (expires ?? 0) * 1_000;
      if (stage.name === 'waiting' || stage.name === 'scanned')
        this.#go({ name: 'scanned', code: stage.code, until, who });
    } else if (state === 'confirmed') {
      this.#isConfirmed = true;
      this.#go({ name: 'collecting' });
      void this.#collect();
    }

    if (state === 'expired' || state === 'cancelled') this.#end({ name: state });
  }

  /** Asks for the data; where it is not there yet, the answer says how far things are. */
  async #collect(): Promise<void> {
    const drawn = this.#drawn;
    if (drawn === undefined || this.#isCollecting) return;
    this.#isCollecting = true;
    while (this.#drawn === drawn) {
      try {
        const { code, secret } = drawn;
        const answer = (await post('/rendezvous/consume', { code, secret })) as ConsumeAnswer;
        if (this.#drawn !== drawn) return;
        this.#events.step('POST /rendezvous/consume', answer);
        if (!answer.pending) this.#signedIn(answer.data);
        else if (this.#isConfirmed) continue;
        else this.#pending(drawn, answer);
        break;
      } catch (error) {
        if (this.#drawn !== drawn) return;
        if (error instanceof Refusal && error.status < 500) {
          this.#refused(error);
          break;
        }
        // No answer: the network is away. The data waits.
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
    this.#isCollecting = false;
  }

  #pending({ code }: Drawn, { state, expires }: Pending): void {
    const until = Date.now() + expires * 1_000;
    const who = this.#stage.name === 'scanned' ? this.#stage.who : '';
    if (state === 'scanned') this.#go({ name: 'scanned', code, until, who });
    else this.#go({ name: 'waiting', code, until });
  }

  #signedIn(data: unknown): void {
    const { name } = (data ?? {}) as { name?: unknown };
    const who = typeof name === 'string' && name !== '' ? name : '?';
    remember(whoKey, who, 'session');
    this.#end({ name: 'done', who });
  }

  #refused({ code, status, message }: Refusal): void {
    this.#events.step('POST /rendezvous/consume', { error: { code, message } });
    // Over, or not known any more.
    if (status === 410 || status === 403) this.#end({ name: 'expired' });
    else if (status === 409) this.#end({ name: 'used' });
    else this.#end({ name: 'failed', reason: message });
  }

  #end(stage: Stage): void {
    this.#leave();
    this.#go(stage);
  }

  #leave(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#drawn = undefined;
    this.#isCollecting = false;
    this.#isConfirmed = false;
    remember(drawnKey, '', 'session');
  }

  #go(stage: Stage): void {
    this.#stage = stage;
    clearTimeout(this.#deadline);
    // The server tells when the time is over. Should that get lost, it is asked.
    if ('until' in stage)
      this.#deadline = setTimeout(() => void this.#collect(), stage.until - Date.now() + retryMs);
    this.#events.stage(stage);
  }
}

interface Pending {
  readonly pending: true;
  readonly state: string;
  readonly expires: number;
}

type ConsumeAnswer = Pending | { readonly pending?: never; readonly data: unknown };

function readDrawn(): Drawn | undefined {
  const text = recall(drawnKey, 'session') ?? '';
  return text === '' ? undefined : (JSON.parse(text) as Drawn);
}
