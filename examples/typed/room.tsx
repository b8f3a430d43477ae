/** A chat room in React, typed by the config. */
import { Carillon, type ChannelsOf } from '@carillon/client';
import { CarillonProvider, typedHooks, useConnection } from '@carillon/react';
import type config from './carillon.config.ts';

const { useChannel } = typedHooks<ChannelsOf<typeof config>>();
const carillon = typeof window === 'undefined' ? undefined : new Carillon();

/** The application: one client for everything below. */
export function App() {
  return (
    <CarillonProvider client={carillon}>
      <Room id="1" name="Ada" />
    </CarillonProvider>
  );
}

function Room({ id, name }: { readonly id: string; readonly name: string }) {
  const { messages, gap, error, publish } = useChannel(`room:${id}`, { last: 50 });
  const { state } = useConnection();
  return (
    <section>
      <header>{state}</header>
      {error && <p role="alert">{error.message}</p>}
      {gap && <p>Some messages are gone.</p>}
      <ol>
        {messages.map(({ data, offset }) => (
          <li key={offset}>
            <b>{data.name}</b> {data.text}
          </li>
        ))}
      </ol>
      <form
        action={async (form) => {
          await publish({ name, text: String(form.get('text')) });
        }}
      >
        <input name="text" required maxLength={2_000} />
      </form>
    </section>
  );
}
