/** The desktop page of the QR login: draws a code, waits, and is signed in once the phone has confirmed. */
import { copyButton } from '../shared/copy-button.ts';
import { apiLine } from '../shared/curl.ts';
import { find } from '../shared/dom.ts';
import { drawIcons } from '../shared/icons.ts';
import { Language } from '../shared/language.ts';
import { followTheme } from '../shared/theme.ts';
import { type TransportName, transports } from './listening.ts';
import { Login, type Stage } from './login.ts';
import { LoginView } from './login-view.ts';
import { qrPhrases } from './phrases.ts';
import { StepsView } from './steps-view.ts';

const language = new Language(qrPhrases);
drawIcons(document);
followTheme(find('#theme', HTMLButtonElement));
find('#language', HTMLButtonElement).addEventListener('click', () => language.toggle());

const asked = new URLSearchParams(location.search).get('transport');
const transport: TransportName = transports.find((name) => name === asked) ?? 'websocket';
const transportLabels = { websocket: 'WebSocket', sse: 'SSE', longpoll: 'long-polling' } as const;
for (const link of document.querySelectorAll('#transports a')) {
  if (link.getAttribute('data-transport') === transport) link.setAttribute('aria-current', 'true');
}

const phoneAddress = (code: string): string => new URL(`/phone/#${code}`, location.href).href;
const isLoopback = /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(location.hostname);
const phoneText = find('#phone-text', HTMLElement);
if (isLoopback) language.say(phoneText, 'phoneText', { host: location.host });
else language.say(phoneText, 'phoneElse');

const view = new LoginView(language, phoneAddress);
const steps = new StepsView(find('#steps', HTMLElement));
const login = new Login(transport, {
  stage: show,
  connected: showConnection,
  step: (what, data) => steps.add(what, data),
});

const curl = find('#curl', HTMLElement);
copyButton(find('#copy', HTMLButtonElement), language, () => curl.textContent);
find('#again', HTMLButtonElement).addEventListener('click', () => void login.draw());
void login.start();

function show(stage: Stage): void {
  view.show(stage);
  find('#phone', HTMLElement).hidden = !('code' in stage);
  if (!('code' in stage)) {
    find('.connection', HTMLElement).hidden = true;
    return;
  }
  find('.connection', HTMLElement).hidden = false;
  find('#open-phone', HTMLAnchorElement).href = phoneAddress(stage.code);
  const params = { code: stage.code, data: { name: 'curl' } };
  curl.textContent = apiLine(location.origin, 'rendezvous_confirm', params);
}

function showConnection(isConnected: boolean): void {
  find('#dot', HTMLElement).setAttribute('data-state', isConnected ? 'connected' : 'connecting');
  const state = find('#connection', HTMLElement);
  if (isConnected) language.say(state, 'connected', { transport: transportLabels[transport] });
  else language.say(state, 'connecting');
}
