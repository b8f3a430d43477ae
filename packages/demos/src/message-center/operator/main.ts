/** The operator's page of the message center. */
import { copyButton } from '../../shared/copy-button.ts';
import { find } from '../../shared/dom.ts';
import { drawIcons } from '../../shared/icons.ts';
import { Language } from '../../shared/language.ts';
import { followTheme } from '../../shared/theme.ts';
import { lines } from './calls-view.ts';
import { OperatorPage } from './operator-page.ts';
import { operatorPhrases } from './phrases.ts';

const language = new Language(operatorPhrases);
drawIcons(document);
followTheme(find('#theme', HTMLButtonElement));
find('#language', HTMLButtonElement).addEventListener('click', () => language.toggle());
const page = new OperatorPage(language);
copyButton(find('#copy', HTMLButtonElement), language, () => lines(page.calls).join('\n'));
page.start();
