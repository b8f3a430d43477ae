/** What a browser knows about the network and the page: it wakes a client that waits, and hurries one that is cut off. */

export interface WakeListener {
  /** The network is back, or the page is looked at again. */
  woken(): void;
  /** The network is gone. */
  slept(): void;
}

/** Listens until the returned function is called. Does nothing where the runtime has no such events. */
export function watchWake(listener: WakeListener): () => void {
  if (typeof globalThis.addEventListener !== 'function') return () => {};
  const page = globalThis.document as Document | undefined;
  const woken = () => listener.woken();
  const slept = () => listener.slept();
  const shown = () => {
    if (page?.visibilityState === 'visible') listener.woken();
  };
  globalThis.addEventListener('online', woken);
  globalThis.addEventListener('offline', slept);
  page?.addEventListener('visibilitychange', shown);
  return () => {
    globalThis.removeEventListener('online', woken);
    globalThis.removeEventListener('offline', slept);
    page?.removeEventListener('visibilitychange', shown);
  };
}
