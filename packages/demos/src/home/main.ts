/** The home page: what Carillon is, and a line to try it at once. */
import { Carillon } from '@carillon/client';
import { copyButton } from '../shared/copy-button.ts';
import { curlLine } from '../shared/curl.ts';
import { create, find } from '../shared/dom.ts';
import { drawIcons } from '../shared/icons.ts';
import { Language } from '../shared/language.ts';
import { StatusLine } from '../shared/status-line.ts';
import { followTheme } from '../shared/theme.ts';
import { LiveBox } from './live-box.ts';
import { homePhrases } from './phrases.ts';
import { isLoopbackName } from './reach.ts';

/** The chat's default room, so that the line is seen in both places. */
const channel = 'room:lobby';

const language = new Language(homePhrases);
drawIcons(document);
followTheme(find('#theme', HTMLButtonElement));
find('#language', HTMLButtonElement).addEventListener('click', () => language.toggle());

if (!isLoopbackName(location.hostname)) language.say(find('#mode', HTMLElement), 'openToNetwork');

const curl = curlLine(location.origin, channel, 'hello from curl');
find('#publish', HTMLElement).append(...coloured(curl));
const answer = find('#answer', HTMLElement);
answer.textContent = '# {"result":{"offset":1,"epoch":"…"}}';
copyButton(find('#copy-publish', HTMLButtonElement), language, () => curl);

const socket = `const socket = new WebSocket('${location.origin.replace(/^http/, 'ws')}/sub?channel=${channel}');
socket.onmessage = (event) => console.log(event.data);`;
find('#socket', HTMLElement).textContent = socket;
copyButton(find('#copy-socket', HTMLButtonElement), language, () => socket);

const carillon = new Carillon();
const state = find('#state', HTMLElement);
new StatusLine(find('#dot', HTMLElement), state, language).follow(carillon);
const box = new LiveBox(find('#arrivals', HTMLOListElement), find('#waiting', HTMLElement), language);
box.follow(carillon.channel(channel)).catch(refused);

find('#publish-here', HTMLButtonElement).addEventListener('click', () => {
  publish({ channel, data: 'hello from this page' }).catch(refused);
});

/** The same request that the curl line makes; its answer is shown below the line, as in a terminal. */
async function publish(body: { readonly channel: string; readonly data: string }): Promise<void> {
  const response = await fetch('/v1/publish', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  answer.textContent = `# ${await response.text()}`;
}

function refused(error: unknown): void {
  language.say(state, 'publishFailed', { reason: error instanceof Error ? error.message : String(error) });
}

/** The shell's own words and the quoted texts apart, for the eye. */
function coloured(line: string): Node[] {
  return line.split(/( -[A-Z] |'[^']*')/).map((part) => {
    if (part.startsWith("'")) return create('span', 'word-text', part);
    return part.startsWith(' -') ? create('span', 'word-flag', part) : document.createTextNode(part);
  });
}
