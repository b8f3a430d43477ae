/** The hook of who is there. */
'use client';
import type { Member } from '@carillon/client';
import { useEffect, useState } from 'react';
import { enter } from './channel-store.ts';
import { useCarillon } from './provider.ts';

const nobody: readonly Member[] = [];
const nothing = () => {};

/**
 * Who is in a channel, kept up to date while the component is mounted; nobody before the list came. It subscribes, as
 * `useChannel` does.
 */
export function usePresence(name: string | undefined): readonly Member[] {
  const client = useCarillon();
  const [members, setMembers] = useState(nobody);
  useEffect(() => {
    setMembers(nobody);
    if (client === undefined || name === undefined) return;
    const leave = enter(client, name, { last: undefined, limit: 0, changed: nothing, received: nothing });
    const off = client.channel(name).watchMembers(setMembers);
    return () => {
      off();
      leave();
    };
  }, [client, name]);
  return members;
}
