/** Line icons on a 24 by 24 grid, drawn for these pages. */

const paths = {
  copy: 'M9 9h10v11H9zM5 15V4h10',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4',
  moon: 'M20 14.5A8.2 8.2 0 0 1 9.5 4 8.2 8.2 0 1 0 20 14.5z',
  send: 'M12 19V5M5.5 11.5L12 5l6.5 6.5',
  down: 'M12 5v14M5.5 12.5L12 19l6.5-6.5',
  people:
    'M9 5.5a3.25 3.25 0 1 0 0 6.5 3.25 3.25 0 0 0 0-6.5zM3 19c.5-3 3-4.5 6-4.5s5.5 1.5 6 4.5M16 6a3 3 0 0 1 0 5.5M17.5 14.8c2 .6 3.2 2.1 3.5 4.2',
  close: 'M6 6l12 12M18 6L6 18',
  plus: 'M12 5v14M5 12h14',
  pencil: 'M4 20l1-4.5L15.5 5l3.5 3.5L8.5 19zM13.5 7l3.5 3.5',
  terminal: 'M5 7l5 5-5 5M12.5 17H19',
  retry: 'M19.5 12a7.5 7.5 0 1 1-2.4-5.5M19.5 4v4.5H15',
  clock: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4.5l3 1.8',
  chat: 'M4 5h16v11.5H11L6.5 20v-3.5H4z',
  key: 'M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2.5v2.5H14zM18 18h2v2M18 14h2M14 20h1.5',
  inbox: 'M4 13l2.5-8h11L20 13v6H4zM4 13h5l1 2.5h4L15 13h5',
  right: 'M5 12h14M12.5 5.5L19 12l-6.5 6.5',
  bell: 'M12 3.5v1.7M6.5 16.5c1.2-1.3 1.5-3 1.5-5.6 0-3.2 1.5-5.4 4-5.4s4 2.2 4 5.4c0 2.6.3 4.3 1.5 5.6zM10 19.5a2.1 2.1 0 0 0 4 0',
  bag: 'M5.5 8h13l1 12h-15zM8.5 10.5V7a3.5 3.5 0 0 1 7 0v3.5',
  parcel: 'M4 8l8-4.5L20 8v8.5L12 21l-8-4.5zM4 8l8 4.5L20 8M12 12.5V21M8 5.8l8 4.5',
  percent: 'M6 18L18 6M7.5 5.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM16.5 14.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4z',
} as const;

export type IconName = keyof typeof paths;

/** A new icon, hidden from screen readers: what it sits in says the same in words. */
export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', paths[name]);
  svg.append(path);
  return svg;
}

/** Puts the icons into the elements of the page that ask for one with `data-icon`, before their text. */
export function drawIcons(within: ParentNode): void {
  for (const element of within.querySelectorAll('[data-icon]')) {
    const name = element.getAttribute('data-icon') ?? '';
    if (isIconName(name)) element.prepend(icon(name));
  }
}

function isIconName(name: string): name is IconName {
  return Object.hasOwn(paths, name);
}
