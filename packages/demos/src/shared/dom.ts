/** The few things every page does with the document. User data only ever enters it as text. */

/** The element of that selector and kind; throws where the page lacks it, which is a mistake in the page itself. */
export function find<E extends Element>(
  selector: string,
  kind: new () => E,
  within: ParentNode = document,
): E {
  const found = within.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} that matches ${selector}.`);
  return found;
}

/** A new element with a class and children; strings become text. */
export function create<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className !== '') element.className = className;
  element.append(...children);
  return element;
}
