/** What the compiler knows of hooks. `tsc -b` is what fails here; the run only shows that there is something to check. */
import { type Carillon, defineConfig, defineHooks, type HookDefinitions, type PublishEvent } from 'carillon';
import { describe, expect, expectTypeOf, it } from 'vitest';

describe('RUN1 hooks in TypeScript', () => {
  it('know their event, the server and what they may answer', () => {
    const hooks = defineHooks({
      publish(event, carillon) {
        expectTypeOf(event).toEqualTypeOf<PublishEvent>();
        expectTypeOf(event.data).toBeUnknown();
        expectTypeOf(event.source).toEqualTypeOf<'client' | 'api' | 'ingest'>();
        expectTypeOf(carillon).toEqualTypeOf<Carillon>();
        if (event.session === undefined) return;
        return { data: event.data };
      },
      async auth({ token, headers }) {
        expectTypeOf(token).toBeString();
        expectTypeOf(headers['x-key']).toEqualTypeOf<string | readonly string[] | undefined>();
        return { user: 1001, expires: 60 };
      },
      subscribe() {},
      async disconnect({ code }) {
        expectTypeOf(code).toEqualTypeOf<number | undefined>();
      },
      call: { url: 'https://example.com/', timeout: '1s' },
    });
    expectTypeOf(hooks).toEqualTypeOf<HookDefinitions>();
    expect(Object.keys(hooks)).toHaveLength(5);
  });

  it('are told of a wrong name or answer', () => {
    // @ts-expect-error there is no such hook
    defineHooks({ publsh() {} });
    // @ts-expect-error a publication is data
    defineHooks({ publish: () => ({ text: 'x' }) });
    // @ts-expect-error it lets it be, or throws
    defineHooks({ subscribe: () => false });
    // @ts-expect-error a user is a text or a number
    defineHooks({ auth: async () => ({ user: true }) });
    // @ts-expect-error there is no such key
    defineHooks({ call: { url: 'https://example.com/', timout: '1s' } });
    expect(defineHooks({})).toEqual({});
  });

  it('may stand in the config', () => {
    const config = defineConfig({
      hooks: {
        call: ({ method }) => method.length,
      },
    });
    expectTypeOf(config.hooks).toEqualTypeOf<string | HookDefinitions | undefined>();
    // @ts-expect-error there is no such hook
    defineConfig({ hooks: { cal: () => 1 } });
    expect(defineConfig({ hooks: './hooks.ts' }).hooks).toBe('./hooks.ts');
  });
});
