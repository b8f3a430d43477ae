/** Who sits at this page: a name that is remembered, and an id that tells this window from the next. */
import type { LanguageCode } from '../shared/language.ts';
import { recall, remember } from '../shared/storage.ts';

export interface Person {
  readonly id: string;
  readonly name: string;
}

const nameKey = 'carillon.chat.name';
const idKey = 'carillon.chat.id';
/** The longest name; the field for it has the same limit. */
const nameCharacters = 24;

const first = {
  en: [
    'Amber',
    'Brisk',
    'Calm',
    'Clever',
    'Gentle',
    'Lucky',
    'Merry',
    'Nimble',
    'Quiet',
    'Sunny',
    'Swift',
    'Witty',
  ],
  zh: ['琥珀', '轻快', '安静', '聪明', '温柔', '幸运', '快乐', '灵巧', '沉稳', '晴朗', '敏捷', '风趣'],
} as const;
const second = {
  en: ['Badger', 'Crane', 'Fox', 'Hare', 'Heron', 'Lark', 'Otter', 'Owl', 'Panda', 'Robin', 'Seal', 'Wren'],
  zh: ['小獾', '仙鹤', '狐狸', '野兔', '白鹭', '云雀', '水獭', '猫头鹰', '熊猫', '知更鸟', '海豹', '鹪鹩'],
} as const;

/**
 * The person of this window. A name that was chosen is remembered for every later visit; one that was drawn by lot
 * lasts as long as the window, so that two windows side by side are two people.
 */
export function myself(language: LanguageCode): Person {
  const id = recall(idKey, 'session') ?? randomId();
  const name = recall(nameKey, 'session') ?? recall(nameKey) ?? drawName(language);
  remember(idKey, id, 'session');
  remember(nameKey, name, 'session');
  return { id, name: tidyName(name) ?? drawName(language) };
}

/** The person under the name that was chosen; an empty one changes nothing. */
export function renamed(person: Person, chosen: string): Person {
  const name = tidyName(chosen);
  if (name === undefined) return person;
  remember(nameKey, name);
  remember(nameKey, name, 'session');
  return { ...person, name };
}

function tidyName(chosen: string): string | undefined {
  const name = chosen.replace(/\s+/g, ' ').trim().slice(0, nameCharacters).toWellFormed();
  return name === '' ? undefined : name;
}

/** A friendly name by lot. */
function drawName(language: LanguageCode): string {
  const join = language === 'en' ? ' ' : '的';
  return `${draw(first[language])}${join}${draw(second[language])}`;
}

/** Random letters and digits. `crypto.randomUUID` would need a secure origin. */
export function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) =>
    byte.toString(36).padStart(2, '0'),
  ).join('');
}

function draw(words: readonly string[]): string {
  return words[Math.floor(Math.random() * words.length)] ?? '';
}
