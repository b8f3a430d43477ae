/** A name as strangers may see it. */
import { graphemes } from '../shared/avatar.ts';

/** The first character of each word; who the page is shown to may not be its owner yet. */
export function masked(name: string): string {
  return name
    .split(' ')
    .map(
      (word) =>
        `${graphemes(word)[0] ?? ''}${'*'.repeat(Math.min(4, Math.max(0, graphemes(word).length - 1)))}`,
    )
    .join(' ');
}
