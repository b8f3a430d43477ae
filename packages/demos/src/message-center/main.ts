/** The customer's page of the message center: a shop with a bell. */
import { find } from '../shared/dom.ts';
import { drawIcons } from '../shared/icons.ts';
import { Language } from '../shared/language.ts';
import { followTheme } from '../shared/theme.ts';
import { CenterPage } from './center-page.ts';
import { centerPhrases } from './phrases.ts';

const language = new Language(centerPhrases);
drawIcons(document);
followTheme(find('#theme', HTMLButtonElement));
find('#language', HTMLButtonElement).addEventListener('click', () => language.toggle());
new CenterPage(language).start();
