/**
 * The baseline: what one writes with `ws` in an afternoon, and nothing else.
 * No validation, no permission, no history, no recovery; one `send` per subscriber per publication.
 * Usage: node ws-loop.ts PORT
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';

interface Command {
  readonly op: 'subscribe' | 'publish';
  readonly id?: number;
  readonly channel: string;
  readonly data: unknown;
}

const channels = new Map<string, Set<WebSocket>>();
const offsets = new Map<string, number>();

function publish(channel: string, data: unknown): void {
  const offset = (offsets.get(channel) ?? 0) + 1;
  offsets.set(channel, offset);
  const text = JSON.stringify({ event: channel, data, offset });
  const clients = channels.get(channel) ?? [];
  for (const client of clients) client.send(text);
}

function subscribe(channel: string, client: WebSocket): void {
  const clients = channels.get(channel) ?? new Set();
  channels.set(channel, clients.add(client));
  client.on('close', () => clients.delete(client));
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => {
    if (request.method === 'POST') {
      const { channel, data } = JSON.parse(Buffer.concat(pieces).toString()) as Command;
      publish(channel, data);
    }
    const body = '{"result":{}}';
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  });
}

function received(client: WebSocket, text: RawData): void {
  const command = JSON.parse(String(text)) as Command;
  if (command.op === 'subscribe') {
    subscribe(command.channel, client);
    client.send('{"result":true}');
  } else {
    publish(command.channel, command.data);
    client.send(JSON.stringify({ id: command.id, result: {} }));
  }
}

const http = createServer(answer);
const webSockets = new WebSocketServer({ server: http, perMessageDeflate: false });
webSockets.on('connection', (client) => client.on('message', (text) => received(client, text)));
http.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 0), backlog: 4096 });
process.on('SIGTERM', () => process.exit(0));
