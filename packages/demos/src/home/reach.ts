/** For whom a server in development mode is open, as far as a page can tell. */

/** Whether a host name of an address (`location.hostname`) can only mean the machine that the reader sits at. */
export function isLoopbackName(name: string): boolean {
  return /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/i.test(name);
}
