/** The phone's page of the QR login: the code is in its address, behind the `#`, where no server log sees it. */
import { find } from '../shared/dom.ts';
import { drawIcons } from '../shared/icons.ts';
import { Language } from '../shared/language.ts';
import { followTheme } from '../shared/theme.ts';
import { PhonePage } from './phone-page.ts';
import { phonePhrases } from './phrases.ts';

const language = new Language(phonePhrases);
drawIcons(document);
followTheme(find('#theme', HTMLButtonElement));
find('#language', HTMLButtonElement).addEventListener('click', () => language.toggle());
window.addEventListener('hashchange', () => location.reload());
void new PhonePage(language, location.hash.slice(1)).start();
