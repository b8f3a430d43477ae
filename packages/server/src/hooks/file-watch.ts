/** Notices that one of a set of files has changed, however it was saved. */
import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { limits } from '@carillon/protocol';
import type { Cancel, Clock } from '../core/clock.ts';
import { fileStamp } from './file-stamp.ts';

/** An editor that writes in several steps is done by then. */
const settleMs = 50;
/** How often the files are looked at without being told: some file systems tell nothing. */
const pollMs = 2_000;

export class FileWatch {
  readonly #clock: Clock;
  readonly #changed: () => void;
  /** By path: the version that is known. */
  #stamps = new Map<string, string>();
  /** Folders, because a file that is replaced takes its watcher along. */
  readonly #watchers = new Map<string, FSWatcher>();
  #settling: Cancel | undefined;
  #poll: Cancel | undefined;

  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  /**
   * Watches these files from now on, by path with the version that is known, and tells at once of those that are newer.
   * @param keeps Whether those that were watched before still are.
   */
  set(stamps: ReadonlyMap<string, string>, keeps: boolean): void {
    const all = keeps ? [...stamps, ...[...this.#stamps].filter(([path]) => !stamps.has(path))] : [...stamps];
    this.#stamps = new Map(all.slice(0, limits.hookFiles));
    const folders = new Set([...this.#stamps.keys()].map((path) => dirname(path)));
    for (const [folder, watcher] of this.#watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of folders) this.#watch(folder);
    this.#poll ??= this.#pollLater();
    this.#look();
  }

  /** One more file, with the version that is known. */
  add(path: string, stamp: string): void {
    if (this.#stamps.has(path) || this.#stamps.size >= limits.hookFiles) return;
    this.#stamps.set(path, stamp);
    this.#watch(dirname(path));
  }

  close(): void {
    this.#poll?.();
    this.#settling?.();
    this.#stamps.clear();
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #watch(folder: string): void {
    if (this.#watchers.has(folder)) return;
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name === null || this.#isKnown(folder, name)) this.#settle();
      });
      // It is looked at from time to time all the same.
      watcher.on('error', () => {
        watcher.close();
        this.#watchers.delete(folder);
      });
      this.#watchers.set(folder, watcher);
    } catch {
      // Not there, or no watchers left: as above.
    }
  }

  #isKnown(folder: string, name: string): boolean {
    for (const path of this.#stamps.keys()) {
      if (basename(path) === name && dirname(path) === folder) return true;
    }
    return false;
  }

  #settle(): void {
    this.#settling?.();
    this.#settling = this.#clock.after(settleMs, () => this.#look());
  }

  #pollLater(): Cancel {
    return this.#clock.after(pollMs, () => {
      if (this.#newer().size > 0) this.#settle();
      this.#poll = this.#pollLater();
    });
  }

  #look(): void {
    const newer = this.#newer();
    for (const [path, stamp] of newer) this.#stamps.set(path, stamp);
    if (newer.size > 0) this.#changed();
  }

  #newer(): Map<string, string> {
    const newer = new Map<string, string>();
    for (const [path, known] of this.#stamps) {
      const stamp = fileStamp(path);
      if (stamp !== known) newer.set(path, stamp);
    }
    return newer;
  }
}
