/** A client that knows from the config what each channel carries. */
import { Carillon, CarillonError, type ChannelsOf } from '@carillon/client';
import type config from './carillon.config.ts';

const carillon = new Carillon<ChannelsOf<typeof config>>(
  process.env['CARILLON_URL'] ?? 'http://127.0.0.1:6790',
);

const room = carillon.channel('room:1');
room.on('message', ({ name, text }) => console.log(`${name}: ${text}`)); // { name: string, text: string }
await room.subscribe();
await room.publish({ name: 'Ada', text: 'hello' });

carillon.channel('price:BELL').on('message', ({ cents }) => console.log((cents / 100).toFixed(2)));

try {
  // What the compiler cannot see, the server does: names are 1 to 40 characters long.
  await room.publish({ name: '', text: 'who is this?' });
} catch (error) {
  if (error instanceof CarillonError) console.log(error.code, error.message);
}
carillon.close();
