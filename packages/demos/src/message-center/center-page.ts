/** One window of the shop: nobody, or one customer on one device, with the bell that belongs to them. */
import { Carillon, reasons } from '@carillon/client';
import { find } from '../shared/dom.ts';
import type { Language } from '../shared/language.ts';
import { callApi } from '../shared/request.ts';
import { StatusLine } from '../shared/status-line.ts';
import { type Customer, customerOf, faceOf } from './customers.ts';
import { keepSignedIn, signedIn, thisDevice } from './device.ts';
import { Inbox } from './inbox.ts';
import { type Notice, readNotice } from './notice.ts';
import { Panel } from './panel.ts';
import type { CenterPhrase } from './phrases.ts';
import type { Product } from './products.ts';
import { showCustomers, showProducts } from './shop-view.ts';
import { Toasts } from './toasts.ts';

/** What lasts as long as one customer is signed in. */
interface Visit {
  readonly customer: Customer;
  readonly carillon: Carillon;
  readonly inbox: Inbox;
  readonly panel: Panel;
  readonly over: AbortController;
}

export class CenterPage {
  readonly #language: Language<CenterPhrase>;
  readonly #toasts: Toasts;
  readonly #device = thisDevice();
  readonly #title = document.title;
  #visit: Visit | undefined;

  constructor(language: Language<CenterPhrase>) {
    this.#language = language;
    this.#toasts = new Toasts(find('#toasts', HTMLElement), language);
    find('#switch', HTMLButtonElement).addEventListener('click', () => this.#signOut());
    find('#offline', HTMLButtonElement).addEventListener('click', () => this.#toggleConnection());
    language.changed(() => this.#draw());
  }

  /** Goes on as who was signed in, or asks. */
  start(): void {
    const customer = customerOf(signedIn());
    if (customer === undefined) this.#draw();
    else this.#signIn(customer);
  }

  #signIn(customer: Customer): void {
    keepSignedIn(customer.user);
    const carillon = new Carillon(undefined, { token: customer.token, device: this.#device });
    const over = new AbortController();
    const inbox = new Inbox(carillon, customer.user, {
      changed: () => this.#changed(),
      arrived: (notice) => this.#arrived(notice),
      caughtUp: (count) => this.#caughtUp(count),
      refused: (error) => this.#refused(error),
    });
    const acts = { read: (offset: number) => inbox.read(offset), opened: () => this.#toasts.clear() };
    const panel = new Panel(this.#language, inbox.list, acts, over.signal);
    this.#visit = { customer, carillon, inbox, panel, over };
    new StatusLine(find('#dot', HTMLElement), find('#state', HTMLElement), this.#language).follow(carillon);
    carillon.on('state', ({ state, reason }) => this.#connection(state, reason.code));
    // What the operator sends to those who are online is kept nowhere: it pops up and is gone.
    carillon.on('message', (data) => this.#toasts.show(readNotice(data)));
    carillon.on('error', (error) => this.#refused(error));
    find('#refused', HTMLElement).hidden = true;
    inbox.start();
    this.#draw();
  }

  #signOut(): void {
    this.#visit?.panel.close();
    this.#visit?.over.abort();
    this.#visit?.carillon.close();
    this.#visit = undefined;
    keepSignedIn(undefined);
    document.title = this.#title;
    this.#draw();
    find('#customers', HTMLElement).querySelector('button')?.focus();
  }

  #draw(): void {
    const language = this.#language;
    const visit = this.#visit;
    find('#account', HTMLElement).hidden = visit === undefined;
    find('#try', HTMLElement).hidden = visit === undefined;
    find('#sign-in', HTMLElement).hidden = visit !== undefined;
    find('#shop-text', HTMLElement).hidden = visit === undefined;
    if (visit === undefined) {
      language.say(find('#headline', HTMLElement), 'slogan');
      showCustomers(find('#customers', HTMLElement), language, (customer) => {
        this.#signIn(customer);
        // The button that had the focus is gone.
        find('#headline', HTMLElement).focus();
      });
      showProducts(find('#products', HTMLElement), language, undefined);
      return;
    }
    const name = visit.customer.names[language.code];
    language.say(find('#headline', HTMLElement), 'hello', { name });
    language.say(find('#shop-text', HTMLElement), 'helloText');
    language.say(find('#device', HTMLElement), 'device', { device: this.#device });
    const avatar = faceOf(visit.customer, language.code);
    avatar.id = 'own-avatar';
    find('#own-avatar', HTMLElement).replaceWith(avatar);
    find('#own-name', HTMLElement).textContent = name;
    find('#second', HTMLAnchorElement).href = `?as=${visit.customer.user}`;
    showProducts(find('#products', HTMLElement), language, (product) => void this.#order(product));
    this.#connection(visit.carillon.state);
    visit.panel.show();
  }

  #changed(): void {
    const visit = this.#visit;
    if (visit === undefined) return;
    visit.panel.show();
    const { unread } = visit.inbox.list;
    document.title = unread === 0 ? this.#title : `(${unread}) ${this.#title}`;
  }

  #arrived(notice: Notice): void {
    const panel = this.#visit?.panel;
    panel?.ring();
    if (panel?.isOpen !== true) this.#toasts.show(notice);
  }

  #caughtUp(count: number): void {
    const key = count === 0 ? 'nothingMissed' : 'missed';
    this.#toasts.show({ kind: 'news', title: this.#language.phrase(key, { count }) });
    if (count > 0) this.#visit?.panel.ring();
  }

  /** The shop's backend would take the order and push this; in development mode the page may do it itself. */
  async #order({ names }: Product): Promise<void> {
    const visit = this.#visit;
    if (visit === undefined) return;
    const language = this.#language;
    const notice: Notice = {
      kind: 'order',
      title: language.phrase('ordered', { product: names[language.code] }),
      text: language.phrase('orderedText'),
      at: Date.now(),
    };
    try {
      await callApi('inbox_push', { user: visit.customer.user, data: notice });
    } catch (error) {
      this.#toasts.show({ kind: 'news', title: language.phrase('orderFailed', { reason: reasonOf(error) }) });
    }
  }

  #toggleConnection(): void {
    const { carillon } = this.#visit ?? {};
    if (carillon?.state === 'disconnected') carillon.connect();
    else carillon?.close();
  }

  #connection(state: Carillon['state'], code?: number): void {
    const isOff = state === 'disconnected';
    this.#language.say(find('#offline', HTMLButtonElement), isOff ? 'goOnline' : 'goOffline');
    if (code === reasons.closeCalled.code) this.#language.say(find('#state', HTMLElement), 'offline');
  }

  /** A customer whom the server does not let in is asked again who they are; anything else is told. */
  #refused(error: unknown): void {
    const reason = reasonOf(error);
    if (this.#visit?.carillon.state !== 'disconnected') {
      this.#toasts.show({ kind: 'news', title: this.#language.phrase('failed', { reason }) });
      return;
    }
    this.#signOut();
    const refused = find('#refused', HTMLElement);
    refused.hidden = false;
    this.#language.say(refused, 'signedOut', { reason });
  }
}

function reasonOf(error: unknown): string {
  const { message } = error as { readonly message?: unknown };
  return typeof message === 'string' ? message : String(error);
}
