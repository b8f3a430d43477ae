/** Which sessions have which tags, so that an expression need not look at those that have none of its tags. */
import type { Identity } from './access.ts';
import type { Where } from './where.ts';

export type Tags = NonNullable<Identity['tags']>;

/** The sessions with one tag. */
interface Tagged<Session> {
  /** Those whose value is not `false`. */
  readonly holding: Set<Session>;
  /** By the text of the value. */
  readonly byValue: Map<string, Set<Session>>;
}

const nobody: ReadonlySet<never> = new Set();

export class TagIndex<Session> {
  readonly #names = new Map<string, Tagged<Session>>();
  readonly #tags = new Map<Session, Tags>();

  /** What `set` was given last; undefined for none. */
  tags(session: Session): Tags | undefined {
    return this.#tags.get(session);
  }

  /** Takes the place of the tags that the session had. */
  set(session: Session, tags: Tags | undefined): void {
    const former = this.#tags.get(session);
    if (former === tags) return;
    for (const [name, value] of Object.entries(former ?? {})) this.#remove(session, name, value);
    this.#tags.delete(session);
    if (tags === undefined || Object.keys(tags).length === 0) return;
    this.#tags.set(session, tags);
    for (const [name, value] of Object.entries(tags)) this.#add(session, name, value);
  }

  /** Those for whom the expression holds. Looks at `everybody` only where the expression asks for no tag, but for its absence. */
  select(where: Where, everybody: Iterable<Session>): Session[] {
    const candidates = this.#candidates(where, false);
    const [only, ...others] = candidates ?? [];
    const looked =
      candidates === undefined
        ? everybody
        : others.length === 0
          ? (only ?? nobody)
          : new Set(candidates.flatMap((set) => [...set]));
    const selected: Session[] = [];
    for (const session of looked) if (this.#holds(where, session)) selected.push(session);
    return selected;
  }

  #holds(where: Where, session: Session): boolean {
    switch (where.kind) {
      case 'tag':
        return this.#with(where.name, where.value).has(session);
      case 'not':
        return !this.#holds(where.of, session);
      case 'and':
        return where.of.every((part) => this.#holds(part, session));
      case 'or':
        return where.of.some((part) => this.#holds(part, session));
    }
  }

  /** Sets that together have everybody for whom the expression holds; undefined: that may be anybody. */
  #candidates(where: Where, isNegated: boolean): readonly ReadonlySet<Session>[] | undefined {
    if (where.kind === 'tag') return isNegated ? undefined : [this.#with(where.name, where.value)];
    if (where.kind === 'not') return this.#candidates(where.of, !isNegated);
    const parts = where.of.map((part) => this.#candidates(part, isNegated));
    const known = parts.filter((part) => part !== undefined);
    const needsAll = (where.kind === 'and') !== isNegated;
    if (needsAll) return known.toSorted((a, b) => sizeOf(a) - sizeOf(b))[0];
    return known.length === parts.length ? known.flat() : undefined;
  }

  #with(name: string, value: string | undefined): ReadonlySet<Session> {
    const tagged = this.#names.get(name);
    return (value === undefined ? tagged?.holding : tagged?.byValue.get(value)) ?? nobody;
  }

  #add(session: Session, name: string, value: Tags[string]): void {
    let tagged = this.#names.get(name);
    if (tagged === undefined) {
      tagged = { holding: new Set(), byValue: new Map() };
      this.#names.set(name, tagged);
    }
    if (value !== false) tagged.holding.add(session);
    const same = tagged.byValue.get(String(value));
    if (same === undefined) tagged.byValue.set(String(value), new Set([session]));
    else same.add(session);
  }

  #remove(session: Session, name: string, value: Tags[string]): void {
    const tagged = this.#names.get(name);
    if (tagged === undefined) return;
    tagged.holding.delete(session);
    const same = tagged.byValue.get(String(value));
    same?.delete(session);
    if (same?.size === 0) tagged.byValue.delete(String(value));
    if (tagged.byValue.size === 0) this.#names.delete(name);
  }
}

function sizeOf(sets: readonly ReadonlySet<unknown>[]): number {
  return sets.reduce((sum, { size }) => sum + size, 0);
}
