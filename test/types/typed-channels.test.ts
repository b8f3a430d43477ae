/** What the compiler knows of typed channels. `tsc -b` is what fails here; the run only shows that there is something to check. */
import type { Carillon, Channel, ChannelsOf, DataOfChannel } from '@carillon/client';
import { type CarillonConfig, defineConfig } from 'carillon';
import * as v from 'valibot';
import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

interface Chat {
  name: string;
  text: string;
}

const config = defineConfig({
  port: 6790,
  channels: {
    'room:*': { subscribe: 'user', schema: z.object({ name: z.string(), text: z.string() }) },
    'room:vip:*': { subscribe: 'user', schema: v.object({ gold: v.number() }) },
    'room:lobby': { subscribe: 'anyone', schema: z.literal(['open', 'closed']) },
    'room:raw:*': { subscribe: 'anyone' },
    'user:{uid}': { subscribe: 'owner', inbox: false, schema: z.object({ unread: z.number().default(0) }) },
    'user:{uid}:*': { subscribe: 'owner', schema: z.boolean() },
    news: { subscribe: 'anyone', history: { size: 10, ttl: '1h' } },
  },
});
type Channels = ChannelsOf<typeof config>;
type Of<Name extends string> = DataOfChannel<Channels, Name>;

declare const carillon: Carillon<Channels>;
declare const text: string;
declare const id: number;

describe('a config with schemas', () => {
  it('knows the data of each pattern, as it is published', () => {
    expectTypeOf<keyof Channels>().toEqualTypeOf<
      'room:*' | 'room:vip:*' | 'room:lobby' | 'room:raw:*' | 'user:{uid}' | 'user:{uid}:*' | 'news'
    >();
    expectTypeOf<Channels['room:*']>().toEqualTypeOf<Chat>();
    expectTypeOf<Channels['room:vip:*']>().toEqualTypeOf<{ gold: number }>();
    expectTypeOf<Channels['user:{uid}']>().toEqualTypeOf<{ unread?: number | undefined }>();
  });

  it('is a config still, and says so of a wrong key', () => {
    expectTypeOf(config).toExtend<CarillonConfig>();
    expectTypeOf<ChannelsOf<{ port: 1 }>>().toEqualTypeOf<Readonly<Record<never, never>>>();
    const plain = { channels: { a: { schema: z.number() } } } satisfies CarillonConfig;
    expectTypeOf<ChannelsOf<typeof plain>>().toEqualTypeOf<{ readonly a: number }>();
    // @ts-expect-error there is no such key
    defineConfig({ prot: 6790 });
    // @ts-expect-error there is no such key in a rule
    defineConfig({ channels: { a: { subscirbe: 'user', schema: z.number() } } });
    // @ts-expect-error nobody of that name
    defineConfig({ channels: { a: { subscribe: 'all' } } });
    // @ts-expect-error no Standard Schema
    defineConfig({ channels: { a: { subscribe: 'user', schema: { type: 'string' } } } });
    expectTypeOf<ChannelsOf<ReturnType<typeof untyped>>>().toEqualTypeOf<{ readonly news: unknown }>();
    expectTypeOf<DataOfChannel<ChannelsOf<CarillonConfig>, 'a'>>().toBeUnknown();
  });
});

describe('a name', () => {
  it('has the data of the most specific pattern that matches it', () => {
    expectTypeOf<Of<'room:1'>>().toEqualTypeOf<Chat>();
    expectTypeOf<Of<'room:vip:7'>>().toEqualTypeOf<{ gold: number }>();
    expectTypeOf<Of<'room:lobby'>>().toEqualTypeOf<'open' | 'closed'>();
    expectTypeOf<Of<'user:1001'>>().toEqualTypeOf<{ unread?: number | undefined }>();
    expectTypeOf<Of<'user:1001:typing'>>().toEqualTypeOf<boolean>();
    expectTypeOf<Of<`room:${number}`>>().toEqualTypeOf<Chat>();
    expectTypeOf<Of<`room:vip:${string}`>>().toEqualTypeOf<{ gold: number }>();
  });

  it('is ordered as the server orders patterns: exact, literal text, open parts, stars', () => {
    type Order = { '*': 1; 'a*': 2; 'a*c': 3; 'a{x}c': 4; 'a*b*c': 5; abc: 6; '{x}*': 7 };
    expectTypeOf<DataOfChannel<Order, 'abc'>>().toEqualTypeOf<6>();
    expectTypeOf<DataOfChannel<Order, 'azbzc'>>().toEqualTypeOf<5>();
    expectTypeOf<DataOfChannel<Order, 'azc'>>().toEqualTypeOf<4>();
    expectTypeOf<DataOfChannel<Order, 'az'>>().toEqualTypeOf<2>();
    expectTypeOf<DataOfChannel<Order, 'z'>>().toEqualTypeOf<1>();
  });

  it('that no typed pattern matches, or that is not known, has unknown data', () => {
    expectTypeOf<Of<'news'>>().toBeUnknown();
    expectTypeOf<Of<'other'>>().toBeUnknown();
    expectTypeOf<Of<'room:raw:1'>>().toBeUnknown();
    expectTypeOf<Of<string>>().toBeUnknown();
    expectTypeOf<Of<`${string}:1`>>().toBeUnknown();
    expectTypeOf<DataOfChannel<Readonly<Record<never, never>>, 'a'>>().toBeUnknown();
  });
});

describe('a channel of a typed client', () => {
  it('gives its listener typed data and takes nothing else to publish', () => {
    const use = (): void => {
      const room = carillon.channel('room:1');
      expectTypeOf(room).toEqualTypeOf<Channel<Chat>>();
      room.on('message', (data, message) => {
        expectTypeOf(data).toEqualTypeOf<Chat>();
        expectTypeOf(message.data).toEqualTypeOf<Chat>();
      });
      void room.publish({ name: 'Ada', text: 'hello' });
      // @ts-expect-error a text is missing
      void room.publish({ name: 'Ada' });
      // @ts-expect-error no text
      void room.publish({ name: 'Ada', text: 1 });
      // @ts-expect-error not one of the words
      void carillon.channel('room:lobby').publish('ajar');
      expectTypeOf(carillon.channel(`room:${id}`)).toEqualTypeOf<Channel<Chat>>();
      expectTypeOf(carillon.channel(`room:${text}`)).toEqualTypeOf<Channel<Chat>>();
    };
    expectTypeOf(use).toBeFunction();
  });

  it('is unknown where the name is, and what one says by hand', () => {
    const use = (): void => {
      expectTypeOf(carillon.channel('other')).toEqualTypeOf<Channel<unknown>>();
      expectTypeOf(carillon.channel(text)).toEqualTypeOf<Channel<unknown>>();
      expectTypeOf(carillon.channel<Chat>(text)).toEqualTypeOf<Channel<Chat>>();
      expectTypeOf(carillon.channel<string>('other')).toEqualTypeOf<Channel<string>>();
      expectTypeOf(generic<Date>(carillon)).toEqualTypeOf<Channel<Date>>();
    };
    expectTypeOf(use).toBeFunction();
  });

  it('fits where a client without types is asked for', () => {
    expectTypeOf<Carillon<Channels>>().toExtend<Carillon>();
  });
});

function generic<T>(client: Carillon<Channels>): Channel<T> {
  return client.channel<T>('other');
}

function untyped() {
  return defineConfig({ channels: { news: { subscribe: 'anyone' } } });
}
