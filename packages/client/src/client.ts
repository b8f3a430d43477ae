/** The client as the application uses it: it puts the parts together and hands each what concerns it. */
import type { DataOfChannel, NoChannels } from '@carillon/protocol';
import { Channel } from './channel.ts';
import { Connection } from './connection.ts';
import type { ConnectionChange, ConnectionState } from './connection-state.ts';
import { Emitter, type Listener, type Off } from './emitter.ts';
import { CarillonError, reportUncaught } from './errors.ts';
import type { ChannelEvents } from './events.ts';
import { dataText, type Frame } from './frames.ts';
import type { Link } from './link.ts';
import { type CarillonOptions, complete, type Internals } from './options.ts';
import { Outbox } from './outbox.ts';
import * as reasons from './reasons.ts';
import { Subscription } from './subscription.ts';
import { TokenSource } from './token.ts';
import type { TransportName } from './transport.ts';

/** What the server side sent to this client itself, by `send`. */
export interface DirectMessage {
  /** What the sender calls it; `message` where it says nothing else. */
  readonly event: string;
  readonly data: unknown;
  /** Present where `data` is the base64 of bytes. */
  readonly binary?: true;
}

interface Entry {
  readonly channel: Channel;
  readonly subscription: Subscription;
}

/** The events of a client and the arguments of their listeners. */
export interface CarillonEvents {
  readonly state: [change: ConnectionChange];
  /** The server side sent something to this client itself. It is kept nowhere: during a cut it is lost. */
  readonly message: [data: unknown, message: DirectMessage];
  /**
   * The server side subscribed this client to the channel of that name, which it had not asked for. Listen to it at once, so that no
   * message is missed. After a cut the client subscribes to it by itself.
   */
  readonly subscribed: [name: string];
  /**
   * What no promise carries: an exception in a listener or in the token callback, a refusal that nobody awaits and no `state`
   * listener hears. Without a listener it is reported as an uncaught exception.
   */
  readonly error: [error: unknown];
}

/**
 * A connection to a Carillon server and its channels. It connects on first use, comes back by itself after every cut, and recovers
 * what was missed.
 *
 * Three states: `disconnected`, `connecting`, `connected`. The `state` event tells every change with its reason.
 *
 * `Channels` says what is published where, by pattern, as `ChannelsOf` takes it from a config. It is for the compiler alone.
 */
export class Carillon<Channels extends object = NoChannels> {
  readonly #events = new Emitter<CarillonEvents>((error, event) => {
    if (event === 'error') reportUncaught(error);
    else this.#report(error);
  });
  readonly #channels = new Map<string, Entry>();
  readonly #connection: Connection;
  readonly #Channel: typeof Channel;
  readonly #outbox: Outbox;
  readonly #link: Link;

  /**
   * `url` is the server's address, `http(s)` or `ws(s)`; without a path it means `/ws`. In a browser the default is the page's own
   * server. Nothing is opened before the first use.
   * @throws TypeError where `url` is no address; CarillonError where the runtime has no WebSocket.
   */
  constructor(url?: string | URL, options: CarillonOptions = {}, internals: Internals = {}) {
    const settings = complete(url, options, internals);
    const { timers, timeoutMs } = settings;
    this.#Channel = internals.Channel ?? Channel;
    const report = (error: unknown) => this.#report(error);
    this.#connection = new Connection(settings, {
      changed: (change) => this.#changed(change),
      received: (event) => this.#received(event),
      report,
    });
    this.#outbox = new Outbox(this.#connection, settings);
    this.#link = {
      connection: this.#connection,
      outbox: this.#outbox,
      events: this.#events,
      tokenSource: (source) => new TokenSource(source, timers, timeoutMs),
      report,
    };
  }

  /** Where the connection stands. */
  get state(): ConnectionState {
    return this.#connection.state;
  }

  /** This session's id, the last one while there is none; undefined where the server did not tell it, as to a WebSocket without a token. */
  get session(): string | undefined {
    return this.#connection.session;
  }

  /** What the connection goes through; undefined while there is none. */
  get transport(): TransportName | undefined {
    return this.#connection.transport;
  }

  /**
   * Asks the backend behind the server: a hook or callback answers. It is never sent twice; while there is no connection it waits.
   * @throws CarillonError where the answer is an error, or the connection is lost before it comes.
   */
  call(method: string, data?: unknown): Promise<unknown> {
    const command = dataText({ op: 'call', method }, data ?? null);
    return this.#outbox.submit(command, () => true, true);
  }

  /** Listens; the returned function stops it. */
  on<K extends keyof CarillonEvents>(event: K, listener: Listener<CarillonEvents, K>): Off {
    return this.#events.on(event, listener);
  }

  /** Stops listening. */
  off<K extends keyof CarillonEvents>(event: K, listener: Listener<CarillonEvents, K>): void {
    this.#events.off(event, listener);
  }

  /** The channel of that name: the same object each time. It subscribes when it is listened to. */
  channel<const Name extends string>(
    name: string extends Name ? never : Name,
  ): Channel<DataOfChannel<Channels, Name>>;
  /** For names that only the running program knows, or to say by hand what is published there. */
  channel<T = unknown>(name: string): Channel<T>;
  channel<T>(name: string): Channel<T> {
    return this.#entry(name).channel as Channel<T>;
  }

  /** Connects now rather than on first use, or again after `close()` or after the server turned the client away. */
  connect(): void {
    this.#connection.connect();
  }

  /**
   * Closes the connection. What waits is rejected; subscriptions stay wanted, and the next `connect()` brings them back with what
   * was missed.
   */
  close(): void {
    this.#connection.end(reasons.closeCalled);
  }

  #entry(name: string): Entry {
    let entry = this.#channels.get(name);
    if (!entry) {
      const events = new Emitter<ChannelEvents<unknown>>((error) => this.#report(error));
      const subscription = new Subscription(name, this.#link, events);
      entry = { channel: new this.#Channel(name, this.#link, subscription, events), subscription };
      this.#channels.set(name, entry);
    }
    return entry;
  }

  #changed(change: ConnectionChange): void {
    const { state, reason } = change;
    const isFinal = state === 'disconnected';
    let heard = !isFinal || reason === reasons.closeCalled || this.#events.count('state') > 0;
    this.#events.emit('state', change);
    if (isFinal) heard = this.#outbox.stop(reason) || heard;
    for (const { subscription } of this.#channels.values()) {
      if (state === 'connected') subscription.advance();
      else heard = subscription.cut(reason, isFinal) || heard;
    }
    this.#outbox.flush();
    if (!heard) this.#report(new CarillonError(reason));
  }

  #received(frame: Frame): void {
    const { event = '', type, data } = frame;
    if (type === 'subscribed') {
      if (this.#entry(event).subscription.granted(frame)) this.#events.emit(type, event);
    } else if (!this.#channels.get(event)?.subscription.received(frame) && !type) {
      this.#events.emit('message', data, frame as DirectMessage);
    }
  }

  #report(error: unknown): void {
    if (this.#events.count('error') === 0) reportUncaught(error);
    else this.#events.emit('error', error);
  }
}
