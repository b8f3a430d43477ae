/** The page of react.test.ts: panels that the test mounts and unmounts, in StrictMode, and what they noticed. */
import { Carillon } from '@carillon/client';
import { CarillonProvider, useChannel, useConnection, useMessages, usePresence } from '@carillon/react';
import { StrictMode, startTransition, useLayoutEffect, useState } from 'react';
import { createRoot, hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';

/** A panel to mount. */
export interface PanelProps {
  readonly id: string;
  readonly channel?: string;
  readonly last?: number;
  readonly limit?: number;
  /** It throws at each message. */
  readonly throws?: boolean;
}

/** What the test drives and reads. */
export interface Page {
  show(panels: readonly PanelProps[]): void;
  /** Mounts the application on markup that was rendered without a client. */
  hydrate(panels: readonly PanelProps[]): string;
  publish(id: string, data: unknown): Promise<unknown>;
  readonly client: Carillon;
  /** By panel: the data that its onMessage was called with. */
  readonly heard: Record<string, unknown[]>;
  /** Commits in which two components that show one channel differed. */
  readonly torn: string[];
  readonly commits: number;
  /** What React complained about while it took over the markup. */
  readonly complaints: string[];
}

declare global {
  interface Window {
    page: Page;
  }
}

const heard: Record<string, unknown[]> = {};
const torn: string[] = [];
const complaints: string[] = [];
const publishers = new Map<string, (data: unknown) => Promise<unknown>>();
const shown = new Map<string, number>();
let commits = 0;
let setPanels: (panels: readonly PanelProps[]) => void = () => {};

function Panel({ id, channel, last, limit, throws }: PanelProps) {
  const room = useChannel(channel, {
    ...(last !== undefined && { last }),
    ...(limit !== undefined && { limit }),
    onMessage: (data) => {
      heard[id] = [...(heard[id] ?? []), data];
      if (throws) throw new Error(`thrown by ${id}`);
    },
  });
  useLayoutEffect(() => {
    publishers.set(id, room.publish);
  }, [id, room.publish]);
  return (
    <section id={id} data-state={room.state} data-error={room.error?.code}>
      {room.messages.map(({ data, offset }) => (
        <p key={offset}>{String(data)}</p>
      ))}
      {room.gap && <q>{`${room.gap.from}-${room.gap.to}`}</q>}
      {room.recovered && <b>{`${room.recovered.since.offset}-${room.recovered.offset}`}</b>}
    </section>
  );
}

/** Shows how many are there. */
function Crowd({ channel }: { readonly channel: string | undefined }) {
  return <u>{usePresence(channel).length}</u>;
}

/** Shows a count, slowly: time for something to come between two of them. */
function Count({ id, channel }: { readonly id: string; readonly channel: string }) {
  const { length } = useMessages(channel);
  const until = performance.now() + 2;
  while (performance.now() < until);
  useLayoutEffect(() => {
    shown.set(id, length);
  });
  return <i>{length}</i>;
}

function Connection() {
  const { state, reason } = useConnection();
  return <output data-state={state}>{reason?.message}</output>;
}

function App({ first }: { readonly first: readonly PanelProps[] }) {
  const [panels, set] = useState(first);
  const [, rerender] = useState(0);
  setPanels = set;
  const watched = panels.find(({ id }) => id === 'watched')?.channel;
  useLayoutEffect(() => {
    commits += 1;
    const [a, b] = [shown.get('a'), shown.get('b')];
    if (a !== b) torn.push(`${a}-${b}`);
  });
  useMessages(watched, {
    onMessage: () => startTransition(() => rerender((count) => count + 1)),
  });
  return (
    <>
      <Connection />
      <Crowd channel={panels.find(({ id }) => id === 'crowd')?.channel} />
      {panels.map((panel) => (
        <Panel key={panel.id} {...panel} />
      ))}
      {watched && (
        <>
          <Count id="a" channel={watched} />
          <Count id="b" channel={watched} />
        </>
      )}
    </>
  );
}

function app(client: Carillon | undefined, first: readonly PanelProps[]) {
  return (
    <StrictMode>
      <CarillonProvider client={client}>
        <App first={first} />
      </CarillonProvider>
    </StrictMode>
  );
}

const element = document.createElement('main');
document.body.append(element);
const client = new Carillon();
let isMounted = false;

window.page = {
  show(panels) {
    if (isMounted) setPanels(panels);
    else createRoot(element).render(app(client, panels));
    isMounted = true;
  },
  hydrate(panels) {
    const markup = renderToString(app(undefined, panels));
    element.innerHTML = markup;
    hydrateRoot(element, app(client, panels), {
      onRecoverableError: (error) => complaints.push(String(error)),
    });
    isMounted = true;
    return markup;
  },
  publish: (id, data) => publishers.get(id)?.(data) ?? Promise.reject(new Error(`no panel ${id}`)),
  client,
  heard,
  torn,
  get commits() {
    return commits;
  },
  complaints,
};
