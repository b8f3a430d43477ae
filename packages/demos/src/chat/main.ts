/** The chat page: puts its parts together and follows the address from room to room. */
import { Carillon } from '@carillon/client';
import { copyButton } from '../shared/copy-button.ts';
import { curlLine } from '../shared/curl.ts';
import { find } from '../shared/dom.ts';
import { drawIcons } from '../shared/icons.ts';
import { Language } from '../shared/language.ts';
import { StatusLine } from '../shared/status-line.ts';
import { followTheme } from '../shared/theme.ts';
import { ChatPage } from './chat-page.ts';
import { chatPhrases } from './phrases.ts';

const language = new Language(chatPhrases);
drawIcons(document);
followTheme(find('#theme', HTMLButtonElement));
find('#language', HTMLButtonElement).addEventListener('click', () => language.toggle());

const carillon = new Carillon();
new StatusLine(find('#dot', HTMLElement), find('#state', HTMLElement), language).follow(carillon);
const page = new ChatPage(carillon, language);

const curl = find('#curl', HTMLElement);
const line = (): string => curlLine(location.origin, `room:${page.roomName}`, 'hello from curl');
copyButton(find('#copy-curl', HTMLButtonElement), language, line);

function goToRoom(): void {
  page.enter();
  curl.textContent = line();
}

window.addEventListener('hashchange', goToRoom);
window.addEventListener('pagehide', () => page.leave());
// A page that the browser kept and shows again takes part again.
window.addEventListener('pageshow', (event) => {
  if (event.persisted) goToRoom();
});
goToRoom();
