/** A button that puts a text on the clipboard and says so. */
import type { CommonPhrase } from './common-phrases.ts';
import { create } from './dom.ts';
import { icon } from './icons.ts';
import type { Language } from './language.ts';

const answerMs = 1_800;

/** Fills the button and makes it copy what `text` gives at that moment. */
export function copyButton<K extends string>(
  button: HTMLButtonElement,
  language: Language<K | CommonPhrase>,
  text: () => string,
): void {
  const word = create('span');
  word.setAttribute('aria-live', 'polite');
  let timer: ReturnType<typeof setTimeout> | undefined;
  const rest = (): void => {
    language.say(word, 'copy');
    button.replaceChildren(icon('copy'), word);
  };
  rest();
  button.addEventListener('click', async () => {
    const copied = await copy(text());
    language.say(word, copied ? 'copied' : 'copyFailed');
    button.replaceChildren(icon(copied ? 'check' : 'copy'), word);
    clearTimeout(timer);
    timer = setTimeout(rest, answerMs);
  });
}

/** The clipboard API exists only on secure origins, so a page reached over plain HTTP takes the old way. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

function copyBySelection(text: string): boolean {
  const area = create('textarea', 'visually-hidden');
  const focused = document.activeElement;
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}
