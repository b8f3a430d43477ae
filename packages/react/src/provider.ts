/** Where components find their client. */
'use client';
import type { Carillon } from '@carillon/client';
import { createContext, createElement, type ReactElement, type ReactNode, useContext } from 'react';

/** `false`: there is no provider. Undefined: there is one without a client. */
const ClientContext = createContext<Carillon | undefined | false>(false);

export interface CarillonProviderProps {
  /**
   * Made once, outside the component. Undefined where there is none to make, as on a server that renders pages: hooks then
   * give what a page shows before it is connected.
   */
  readonly client: Carillon<object> | undefined;
  readonly children?: ReactNode;
}

/** Gives the components below it their client. It opens nothing and closes nothing: the first channel connects. */
export function CarillonProvider({ client, children }: CarillonProviderProps): ReactElement {
  return createElement(ClientContext.Provider, { value: client }, children);
}

/** The client of the nearest provider. @throws Error outside a provider. */
export function useCarillon(): Carillon | undefined {
  const client = useContext(ClientContext);
  if (client === false) throw new Error('Carillon hooks need a <CarillonProvider client={...}> above them');
  return client;
}
