/** What the compiler knows of the hooks. `tsc -b` is what fails here. */
import type { Carillon, ChannelsOf, Message, PublishResult } from '@carillon/client';
import { type CarillonProviderProps, typedHooks, useChannel, useMessages } from '@carillon/react';
import { defineConfig } from 'carillon';
import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

const config = defineConfig({
  channels: { 'room:*': { subscribe: 'anyone', schema: z.object({ text: z.string() }) } },
});
type Channels = ChannelsOf<typeof config>;
const hooks = typedHooks<Channels>();
declare const id: string;

describe('the hooks of a config', () => {
  it('know the data of a channel', () => {
    const use = (): void => {
      const { messages, publish } = hooks.useChannel(`room:${id}`, {
        onMessage: (data) => expectTypeOf(data).toEqualTypeOf<{ text: string }>(),
      });
      expectTypeOf(messages).toEqualTypeOf<readonly Message<{ text: string }>[]>();
      expectTypeOf(publish({ text: 'hello' })).toEqualTypeOf<Promise<PublishResult>>();
      // @ts-expect-error no text
      void publish({ text: 1 });
      expectTypeOf(hooks.useMessages('room:1')).toEqualTypeOf<readonly Message<{ text: string }>[]>();
      expectTypeOf(hooks.useMessages('other')).toEqualTypeOf<readonly Message<unknown>[]>();
      expectTypeOf(hooks.useMessages(id)).toEqualTypeOf<readonly Message<unknown>[]>();
    };
    expectTypeOf(use).toBeFunction();
  });

  it('are the same functions as those without types', ({ expect }) => {
    expect(hooks).toEqual({ useChannel, useMessages });
  });
});

describe('the hooks without a config', () => {
  it('take the type from the caller, or know nothing', () => {
    const use = (): void => {
      expectTypeOf(useMessages('room:1')).toEqualTypeOf<readonly Message<unknown>[]>();
      expectTypeOf(useChannel<Date>('room:1').messages).toEqualTypeOf<readonly Message<Date>[]>();
    };
    expectTypeOf(use).toBeFunction();
  });
});

describe('the provider', () => {
  it('takes a client with types and one without, and none where there is none', () => {
    expectTypeOf<Carillon<Channels>>().toExtend<CarillonProviderProps['client']>();
    expectTypeOf<Carillon>().toExtend<CarillonProviderProps['client']>();
    expectTypeOf<undefined>().toExtend<CarillonProviderProps['client']>();
  });
});
