/** The server that the examples under docs/api talk to. */
import { defineConfig } from 'carillon';

export default defineConfig({
  // What info and explain tell depends on it.
  workers: 1,
  api: { keys: ['a-long-random-key'] },
  auth: {
    tokens: {
      'token-of-ann': { user: '1001', info: { name: 'Ann' }, tags: { vip: true, city: 'sh' } },
      'token-of-bob': { user: '1002', tags: { city: 'sh', dev: 'ios' } },
    },
  },
  channels: {
    'order:*': { subscribe: 'user', history: { size: 100, ttl: '10m' } },
    news: { subscribe: 'user' },
    'room:*': { subscribe: 'user', presence: true },
    'user:{uid}': { subscribe: 'owner', inbox: true },
  },
  rendezvous: {},
  webhooks: [
    {
      url: 'http://127.0.0.1:8000/webhooks',
      events: ['inboxOverdue'],
      secret: 'whsec_c2VjcmV0LW9mLXRoZS1wYWdlcy1vZi10aGUtYXBp',
    },
  ],
});
