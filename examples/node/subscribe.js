// Prints what arrives in a channel, the newest ten first, until Ctrl-C: npx node examples/node/subscribe.js CHANNEL
import { Carillon } from '@carillon/client';

const [channel = 'room:lobby'] = process.argv.slice(2);
const { CARILLON_URL = 'http://127.0.0.1:6790', CARILLON_TOKEN } = process.env;

const carillon = new Carillon(CARILLON_URL, CARILLON_TOKEN ? { token: CARILLON_TOKEN } : {});
carillon.on('state', ({ state, reason }) => console.error(state, reason.message));

const room = carillon.channel(channel);
room.on('message', (data, { offset, recovered }) => console.log(offset, recovered ? 'missed' : 'live', data));
room.on('gap', ({ from, to, reason }) => console.error('missing', from, to, reason.message));
await room.subscribe({ last: 10 });
