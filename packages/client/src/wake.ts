/** What a browser knows about the network and the page: it wakes a client that waits, and hurries one that is cut off. */

export interface WakeListener {
  /** The network is back, or the page is looked at again. */
  woken(): void;
  /** The network is gone. */
  slept(): void;
}

/** Listens until the returned function is called. Does nothing where the runtime has no such events. */
export function watchWake(listener: WakeListener): () => void {
  const page = globalThis.document as Document | undefined;
  const woken = () => page?.visibilityState !== 'hidden' && listener.woken();
  const watched: readonly (readonly [EventTarget | undefined, string, () => void])[] = [
    [globalThis, 'online', () => listener.woken()],
    [globalThis, 'offline', () => listener.slept()],
    [page, 'visibilitychange', woken],
  ];
  // Node.js itself is no event target.
  for (const [target, event, hear] of watched) target?.addEventListener?.(event, hear);
  return () => {
    for (const [target, event, hear] of watched) target?.removeEventListener?.(event, hear);
  };
}
