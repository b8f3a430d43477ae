/**
 * The backend of a small shop with a notification bell; docs/guides/message-center.md explains it. No dependency. In a clone, after
 * `npm ci`:
 *
 *   npx carillon serve --config examples/message-center/carillon.config.json
 *   node examples/message-center/backend.js
 *
 * Open http://127.0.0.1:8000/ in two windows as the same customer, and http://127.0.0.1:8000/desk to push to them.
 */
import { createHmac, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const {
  CARILLON = 'http://127.0.0.1:6790',
  CARILLON_API_KEY = 'key-of-the-message-center-example',
  CARILLON_JWT_SECRET = 'secret-of-the-message-center-example',
  PORT = '8000',
} = process.env;

/** The users of the shop, as its database knows them. */
const users = new Map([
  ['ada', { name: 'Ada', tags: { vip: true, city: 'london' } }],
  ['lin', { name: 'Lin', tags: { vip: true, city: 'shanghai' } }],
  ['olga', { name: 'Olga', tags: {}, isOperator: true }],
]);
/** Who is logged in, by the cookie of the shop's own session. */
const logins = new Map();

const routes = {
  'GET /': () => file('shop.html'),
  'GET /desk': () => file('desk.html'),
  // The SDK, made for browsers; the package `carillon` has it.
  'GET /carillon.mjs': () => file(new URL('../public/carillon.mjs', import.meta.resolve('carillon'))),

  // A shop of its own checks a password here.
  'POST /login': ({ user }) => {
    if (!users.has(user)) throw refusal(401, 'no such user');
    const login = randomUUID();
    logins.set(login, user);
    return { body: { user }, cookie: `login=${login}; HttpOnly; SameSite=Lax; Path=/` };
  },
  // The SDK asks for a token when it connects, and again before the token ends.
  'GET /token': (_, who) => ({ body: { token: tokenOf(customer(who)) } }),
  // How far the customer has read, on whichever device.
  'GET /read': async (_, who) => {
    const { devices } = await carillon('inbox_unread', { user: customer(who) });
    return { body: { offset: Math.max(0, ...devices.map(({ offset }) => offset)) } };
  },
  'POST /orders': async ({ product }, who) => {
    const data = { title: 'We have your order', text: String(product) };
    await carillon('inbox_push', { user: customer(who), data, idempotency_key: `order-${randomUUID()}` });
    return { body: {} };
  },

  // Kept for each customer who is meant, online or not, until it is read.
  'POST /push': async ({ to, title }, who) => {
    operator(who);
    const meant = await customersIn(to);
    const requests = meant.map((user) => ({ method: 'inbox_push', params: { user, data: { title } } }));
    if (requests.length > 0) await carillon('batch', { requests });
    return { body: { customers: meant.length } };
  },
  // For those who are online now, and kept nowhere.
  'POST /call-out': async ({ to, title }, who) => {
    operator(who);
    const { sessions } = await carillon('send', { to, event: 'notice', data: { title } });
    return { body: { devices: sessions } };
  },
  'POST /group': async ({ group, user }, who) => {
    operator(who);
    await carillon('group_join', { group, user });
    return { body: {} };
  },
  'GET /online': async (_, who) => {
    operator(who);
    const { sessions } = await carillon('sessions', {});
    return { body: { users: [...new Set(sessions.map(({ user }) => user))] } };
  },
};

/** Whom `to` means: a user, a group, a tag expression over those who are online, or every customer of the shop. */
async function customersIn(to) {
  if (to.user !== undefined) return [to.user];
  if (to.all) return [...users.keys()].filter((user) => !users.get(user).isOperator);
  if (to.group !== undefined) {
    const { members } = await carillon('group', { group: to.group });
    return members.flatMap(({ user }) => user ?? []);
  }
  const { sessions } = await carillon('sessions', { to });
  return [...new Set(sessions.flatMap(({ user }) => user ?? []))];
}

/** A JWT that lets this user in for ten minutes, with the tags that `where` asks for. */
function tokenOf(user) {
  const { name, tags } = users.get(user);
  const exp = Math.floor(Date.now() / 1_000) + 600;
  const claims = { sub: user, exp, tags, info: { name } };
  const text = [{ alg: 'HS256', typ: 'JWT' }, claims].map(base64url).join('.');
  return `${text}.${createHmac('sha256', CARILLON_JWT_SECRET).update(text).digest('base64url')}`;
}

function base64url(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** A method of the server API, with the key that no page ever sees. */
async function carillon(method, params) {
  const response = await fetch(`${CARILLON}/v1/${method}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${CARILLON_API_KEY}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(params),
  });
  const { result, error } = await response.json();
  if (error !== undefined) throw refusal(response.status, error.message);
  return result;
}

function customer(user) {
  if (!users.has(user)) throw refusal(401, 'log in first');
  return user;
}

function operator(user) {
  if (users.get(user)?.isOperator !== true) throw refusal(403, 'for the operator alone');
}

createServer(async (req, res) => {
  try {
    const { pathname } = new URL(req.url ?? '/', 'http://localhost');
    const route = routes[`${req.method} ${pathname}`];
    if (route === undefined) throw refusal(404, 'nothing is here');
    const {
      body,
      type = 'application/json',
      cookie,
    } = await route(await read(req), logins.get(loginOf(req)));
    res.writeHead(200, { 'Content-Type': type, ...(cookie !== undefined && { 'Set-Cookie': cookie }) });
    res.end(type === 'application/json' ? JSON.stringify(body) : body);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    res.writeHead(error.status ?? 500, { 'Content-Type': 'application/json' });
    res.end(JSON.stringify({ message }));
  }
}).listen(Number(PORT), '127.0.0.1', () => console.log(`http://127.0.0.1:${PORT}/`));

async function file(name) {
  const text = await readFile(new URL(name, import.meta.url), 'utf8');
  const type = String(name).endsWith('.mjs') ? 'text/javascript' : 'text/html; charset=utf-8';
  return { body: text.replaceAll('{{carillon}}', CARILLON), type };
}

async function read(req) {
  let text = '';
  for await (const chunk of req) {
    text += chunk;
    if (text.length > 10_000) throw refusal(413, 'too much');
  }
  return text === '' ? {} : JSON.parse(text);
}

function loginOf({ headers }) {
  return /(?:^|; )login=([\w-]+)/.exec(headers.cookie ?? '')?.[1];
}

function refusal(status, message) {
  return Object.assign(new Error(message), { status });
}
