/** Which room the page is in (the hash of its address), and the rooms it was in before. */
import { channelNameFault } from '@carillon/protocol';
import { recall, remember } from '../shared/storage.ts';

export const defaultRoom = 'lobby';
const storageKey = 'carillon.chat.rooms';
const roomCharacters = 60;
const remembered = 8;

/** A room's name out of what somebody typed: spaces become `-`; undefined where nothing usable is left. */
export function tidyRoom(typed: string): string | undefined {
  const name = typed
    .trim()
    .replace(/^#+/, '')
    .trim()
    .replace(/\s+/g, '-')
    .slice(0, roomCharacters)
    .toWellFormed();
  return name === '' || channelNameFault(`room:${name}`) !== undefined ? undefined : name;
}

/** The room that the address names, as `#name` or `?room=name`; the lobby where it names none. */
export function roomOfAddress(address: Pick<Location, 'hash' | 'search'>): string {
  return (
    tidyRoom(decoded(address.hash)) ??
    tidyRoom(new URLSearchParams(address.search).get('room') ?? '') ??
    defaultRoom
  );
}

export function addressOfRoom(room: string): string {
  return `#${encodeURIComponent(room)}`;
}

/** The rooms of earlier visits, the latest first; the lobby is always among them. */
export function recentRooms(): readonly string[] {
  const rooms = (recall(storageKey) ?? '').split('\n').filter((room) => tidyRoom(room) === room);
  return rooms.includes(defaultRoom) ? rooms : [...rooms, defaultRoom];
}

/** Puts the room among the remembered ones. A room that is there already keeps its place, so that the list stays still. */
export function visitRoom(room: string): readonly string[] {
  const before = recentRooms();
  const rooms = before.includes(room) ? before : [room, ...before.filter((other) => other !== defaultRoom)];
  const kept = [defaultRoom, ...rooms.filter((other) => other !== defaultRoom).slice(0, remembered)];
  remember(storageKey, kept.join('\n'));
  return kept;
}

function decoded(hash: string): string {
  try {
    return decodeURIComponent(hash);
  } catch {
    return hash;
  }
}
