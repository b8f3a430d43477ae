/** What a channel may be called. */
import { limits } from './limits.ts';
import { utf8Length } from './utf8.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const forbidden = /[\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]/;

/**
 * Says what is wrong with a channel name, as the end of a sentence that began with the field's name; undefined when
 * nothing is. `@` (aliases) is refused too: resolve an alias first.
 */
export function channelNameFault(name: string): string | undefined {
  if (name === '') return 'must not be empty';
  if (name.length > limits.channelNameBytes || utf8Length(name) > limits.channelNameBytes) {
    return `must not be longer than ${limits.channelNameBytes} bytes of UTF-8`;
  }
  if (!name.isWellFormed()) return 'must be well-formed Unicode';
  if (forbidden.test(name)) return 'must not contain spaces or control characters';
  if (name.startsWith('$')) return "must not begin with '$', which is reserved";
  if (name.startsWith('@')) return "must not begin with '@', which marks an alias";
  return undefined;
}
