import { Carillon } from '@carillon/client';
import { createElement, type ReactElement } from 'react';
import { renderToString } from 'react-dom/server';
import { describe, expect, test } from 'vitest';
import { CarillonProvider, type ChannelState, useChannel, useConnection } from './index.ts';

class NoSocket {
  constructor() {
    throw new Error('a connection was opened');
  }
}

function Room(): ReactElement {
  const { messages, state, gap, recovered, error } = useChannel('room:1', { last: 10 });
  const connection = useConnection();
  return createElement('p', {}, JSON.stringify({ messages, state, gap, recovered, error, connection }));
}

function Publisher({ onRender }: { onRender(publish: ChannelState['publish']): void }): undefined {
  onRender(useChannel('room:1').publish);
}

const before = '{"messages":[],"state":"unsubscribed","connection":{"state":"disconnected"}}';

describe('on a server that renders pages', () => {
  test.each([
    ['without a client', undefined],
    ['with one', new Carillon('http://127.0.0.1:1', { WebSocket: NoSocket as never })],
  ])('a component shows what it shows before it is connected, %s', (_, client) => {
    const html = renderToString(createElement(CarillonProvider, { client }, createElement(Room)));
    expect(html.replaceAll('&quot;', '"')).toBe(`<p>${before}</p>`);
    expect(client?.state ?? 'disconnected').toBe('disconnected');
  });

  test('publishing without a client is refused', async () => {
    const publishers: ChannelState['publish'][] = [];
    const onRender = publishers.push.bind(publishers);
    renderToString(
      createElement(CarillonProvider, { client: undefined }, createElement(Publisher, { onRender })),
    );
    await expect(publishers[0]?.('a')).rejects.toThrow('no channel to publish to yet');
  });

  test('a hook without a provider says what is missing', () => {
    expect(() => renderToString(createElement(Room))).toThrow('<CarillonProvider client={...}>');
  });
});
