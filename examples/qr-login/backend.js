/**
 * The backend of a site with a login by QR code; docs/guides/qr-login.md explains it. No dependency. In a clone, after `npm ci`:
 *
 *   npx carillon serve --config examples/qr-login/carillon.config.json
 *   node examples/qr-login/backend.js
 *
 * Open http://127.0.0.1:8000/ and, in a second window, the address that it shows: that one is the phone.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const {
  CARILLON = 'http://127.0.0.1:6790',
  CARILLON_API_KEY = 'key-of-the-qr-login-example',
  PORT = '8000',
} = process.env;

/** Who is signed in on which phone: a site of its own has this already. */
const phones = new Map([['phone-of-ada', { user: '1001', name: 'Ada' }]]);
/** Tickets that were confirmed and not yet used, and sessions of browsers. */
const tickets = new Map();
const sessions = new Map();

const routes = {
  'GET /': () => page('login.html'),
  'GET /phone': () => page('phone.html'),

  'POST /phone/scan': async ({ code }, cookies) => {
    const phone = phoneOf(cookies);
    const info = { name: `${phone.name[0]}**` };
    return carillon('rendezvous_scan', { code, device: phone.id, info });
  },
  'POST /phone/confirm': async ({ code }, cookies) => {
    const { id, user, name } = phoneOf(cookies);
    const ticket = randomUUID();
    tickets.set(ticket, { user, name });
    setTimeout(() => tickets.delete(ticket), 180_000).unref();
    return carillon('rendezvous_confirm', { code, device: id, data: { ticket } });
  },
  'POST /phone/cancel': ({ code }, cookies) =>
    carillon('rendezvous_cancel', { code, device: phoneOf(cookies).id }),

  'POST /session': ({ ticket }) => {
    const who = tickets.get(ticket);
    // A ticket is good for one session.
    if (who === undefined || !tickets.delete(ticket)) throw refusal(401, 'this ticket is not valid');
    const session = randomUUID();
    sessions.set(session, who);
    return { body: { name: who.name }, cookie: `session=${session}; HttpOnly; SameSite=Lax; Path=/` };
  },
  'GET /me': (_, { session }) => {
    const who = sessions.get(session);
    if (who === undefined) throw refusal(401, 'not signed in');
    return { body: { name: who.name } };
  },
};

createServer(async (req, res) => {
  try {
    const { pathname } = new URL(req.url ?? '/', 'http://localhost');
    const route = routes[`${req.method} ${pathname}`];
    if (route === undefined) throw refusal(404, 'nothing is here');
    const { body, type = 'application/json', cookie } = await route(await read(req), cookiesOf(req));
    const headers = { 'Content-Type': type, ...(cookie !== undefined && { 'Set-Cookie': cookie }) };
    res.writeHead(200, headers).end(type === 'application/json' ? JSON.stringify(body) : body);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    res.writeHead(error.status ?? 500, { 'Content-Type': 'application/json' });
    res.end(JSON.stringify({ message }));
  }
}).listen(Number(PORT), '127.0.0.1', () => console.log(`http://127.0.0.1:${PORT}/`));

/** A method of the server API, with the key that no page ever sees. */
async function carillon(method, params) {
  const response = await fetch(`${CARILLON}/v1/${method}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${CARILLON_API_KEY}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(params),
  });
  const { result, error } = await response.json();
  if (error !== undefined) throw refusal(response.status, error.message);
  return { body: result };
}

/** The phone that asks; without one nobody is confirmed. The example signs every phone in as Ada. */
function phoneOf({ phone = 'phone-of-ada' }) {
  const found = phones.get(phone);
  if (found === undefined) throw refusal(401, 'sign in on this phone first');
  return { id: phone, ...found };
}

async function page(name) {
  const text = await readFile(new URL(name, import.meta.url), 'utf8');
  return { body: text.replaceAll('{{carillon}}', CARILLON), type: 'text/html; charset=utf-8' };
}

async function read(req) {
  let text = '';
  for await (const chunk of req) {
    text += chunk;
    if (text.length > 10_000) throw refusal(413, 'too much');
  }
  return text === '' ? {} : JSON.parse(text);
}

function cookiesOf({ headers }) {
  const pairs = (headers.cookie ?? '').split('; ').map((pair) => pair.split('='));
  return Object.fromEntries(pairs);
}

function refusal(status, message) {
  return Object.assign(new Error(message), { status });
}
