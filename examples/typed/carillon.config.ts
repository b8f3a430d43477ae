/** Channels with schemas: what does not fit is refused, and `chat.ts` and `room.tsx` take their types from here. */
import { defineConfig } from 'carillon';
import { z } from 'zod';

export default defineConfig({
  api: { keys: [process.env['CARILLON_API_KEY'] ?? 'only-for-the-example'] },
  auth: { anonymous: true },
  channels: {
    'room:*': {
      subscribe: 'anyone',
      publish: 'anyone',
      history: { size: 50, ttl: '10m' },
      schema: z.object({ name: z.string().min(1).max(40), text: z.string().min(1).max(2_000) }),
    },
    'price:{symbol}': {
      subscribe: 'anyone',
      history: { size: 1, ttl: '1h' },
      schema: z.object({ cents: z.int().nonnegative(), at: z.iso.datetime() }),
    },
  },
});
