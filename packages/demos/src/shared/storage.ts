/** What a page remembers between visits. A browser that forbids storage just forgets. */

/** The stored text, or undefined. */
export function recall(key: string, area: 'local' | 'session' = 'local'): string | undefined {
  try {
    return areaOf(area).getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

export function remember(key: string, value: string, area: 'local' | 'session' = 'local'): void {
  try {
    areaOf(area).setItem(key, value);
  } catch {
    // Storage is full or forbidden: the page works on without it.
  }
}

function areaOf(area: 'local' | 'session'): Storage {
  return area === 'local' ? localStorage : sessionStorage;
}
