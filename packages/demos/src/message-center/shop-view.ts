/** What the page shows around the bell: who may sign in, and what the shop sells. */
import { create } from '../shared/dom.ts';
import type { Language } from '../shared/language.ts';
import { type Customer, customers, faceOf } from './customers.ts';
import type { CenterPhrase } from './phrases.ts';
import { type Product, products } from './products.ts';

/** A button for each customer. */
export function showCustomers(
  place: HTMLElement,
  { code }: Language<CenterPhrase>,
  choose: (customer: Customer) => void,
): void {
  const items = customers.map((customer) => {
    const name = customer.names[code];
    const tags = create('span', 'tags', ...customer.tags.map((tag) => create('span', 'tag', tag)));
    const button = create('button', 'customer', faceOf(customer, code), create('b', '', name), tags);
    button.type = 'button';
    button.setAttribute('data-user', customer.user);
    button.addEventListener('click', () => choose(customer));
    return create('li', '', button);
  });
  place.replaceChildren(...items);
}

/** A card for each product; without a button as long as nobody is signed in. */
export function showProducts(
  place: HTMLElement,
  language: Language<CenterPhrase>,
  order: ((product: Product) => void) | undefined,
): void {
  const items = products.map((product) => {
    const picture = create('div', 'picture', drawing(product.drawing));
    picture.style.setProperty('--hue', String(product.hue));
    const name = create('b', '', product.names[language.code]);
    name.id = product.id;
    const foot = create('div', 'product-foot', name, create('span', 'price', price(product, language)));
    if (order !== undefined) foot.append(orderButton(language, product, order));
    return create('li', 'product', picture, foot);
  });
  place.replaceChildren(...items);
}

function orderButton(
  language: Language<CenterPhrase>,
  product: Product,
  order: (product: Product) => void,
): HTMLButtonElement {
  const button = create('button', 'button quiet');
  button.type = 'button';
  language.say(button, 'order');
  button.setAttribute('aria-describedby', product.id);
  button.addEventListener('click', () => order(product));
  return button;
}

function price({ price: amount }: Product, { code }: Language<CenterPhrase>): string {
  const locale = code === 'zh' ? 'zh-CN' : 'en';
  return new Intl.NumberFormat(locale, {
    style: 'currency',
    currency: 'EUR',
    maximumFractionDigits: 0,
  }).format(amount);
}

function drawing(path: string): SVGSVGElement {
  const namespace = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(namespace, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(namespace, 'path');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}
