/** Light or dark: what the system prefers, until the reader says otherwise. */
import { icon } from './icons.ts';
import { recall, remember } from './storage.ts';

const storageKey = 'carillon.theme';

/** Puts the theme on the page and makes the button switch it. */
export function followTheme(button: HTMLButtonElement): void {
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const apply = (): void => {
    const chosen = recall(storageKey);
    const theme = chosen === 'dark' || chosen === 'light' ? chosen : dark.matches ? 'dark' : 'light';
    document.documentElement.setAttribute('data-theme', theme);
    button.replaceChildren(icon(theme === 'dark' ? 'sun' : 'moon'));
  };
  dark.addEventListener('change', apply);
  button.addEventListener('click', () => {
    const now = document.documentElement.getAttribute('data-theme');
    remember(storageKey, now === 'dark' ? 'light' : 'dark');
    apply();
  });
  apply();
}
