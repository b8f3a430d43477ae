/** The round mark of a person. */
import { create } from './dom.ts';
import { icon } from './icons.ts';

/** The first character of the name on a colour of its own; a terminal where there is no name. */
export function avatarOf(name: string | undefined): HTMLSpanElement {
  const avatar = create('span', 'avatar');
  avatar.setAttribute('aria-hidden', 'true');
  if (name === undefined) {
    avatar.classList.add('plain');
    avatar.append(icon('terminal'));
    return avatar;
  }
  avatar.style.setProperty('--hue', `${hueOf(name)}deg`);
  avatar.append(graphemes(name)[0]?.toUpperCase() ?? '');
  return avatar;
}

/** What a reader takes for single characters: an emoji of several code points is one. */
export function graphemes(text: string): readonly string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}

/** A hue of 0 to 359 that is always the same for the same text. */
function hueOf(text: string): number {
  let sum = 7;
  for (const character of text) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 360_007;
  return sum % 360;
}
