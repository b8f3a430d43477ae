/** What the shop sells: a drawing each on a 24 by 24 grid, as the icons of these pages. */
import type { LanguageCode } from '../shared/language.ts';

export interface Product {
  readonly id: string;
  readonly names: Readonly<Record<LanguageCode, string>>;
  readonly price: number;
  /** The colour of its card, as a hue. */
  readonly hue: number;
  readonly drawing: string;
}

export const products: readonly Product[] = [
  {
    id: 'hand-bell',
    names: { en: 'Brass hand bell', zh: '黄铜手铃' },
    price: 38,
    hue: 36,
    drawing:
      'M10.5 3h3v5.5M10.5 8.5V3M12 8.5c-3 0-4 2.2-4 5 0 2.2-.8 3.4-2 4.5h12c-1.2-1.1-2-2.3-2-4.5 0-2.8-1-5-4-5zM10.5 20.5a1.6 1.6 0 0 0 3 0',
  },
  {
    id: 'tea-pot',
    names: { en: 'Stoneware teapot', zh: '粗陶茶壶' },
    price: 54,
    hue: 168,
    drawing:
      'M6.5 10h10c0 5.5-1.5 9-5 9s-5-3.5-5-9zM16.5 11.5c1.8-.8 3.6-.4 3.6 1.2 0 1.8-2 3-4 3.4M6.5 12L3.5 9.5M9 10c0-1.4 1-2.5 2.5-2.5S14 8.6 14 10M11.5 7.5V5.5',
  },
  {
    id: 'notebook',
    names: { en: 'Linen notebook', zh: '亚麻笔记本' },
    price: 16,
    hue: 212,
    drawing: 'M6.5 3.5h11v17h-11zM9.5 3.5v17M12 8h3.5M12 11h3.5',
  },
  {
    id: 'lamp',
    names: { en: 'Reading lamp', zh: '阅读台灯' },
    price: 72,
    hue: 46,
    drawing: 'M8.5 4h7l3 8h-13zM12 12v7.5M8 19.5h8M15 12v2.5',
  },
  {
    id: 'candle',
    names: { en: 'Beeswax candle', zh: '蜂蜡蜡烛' },
    price: 12,
    hue: 24,
    drawing:
      'M9 11.5h6V20.5H9zM12 11.5V9.5M12 3.5c1.6 1.9 2.2 2.9 2.2 3.9a2.2 2.2 0 0 1-4.4 0c0-1 .6-2 2.2-3.9zM9 14.5c1 1 2 1 3 0s2-1 3 0',
  },
  {
    id: 'mug',
    names: { en: 'Enamel mug', zh: '搪瓷杯' },
    price: 14,
    hue: 350,
    drawing:
      'M5.5 7.5h10v11a1.5 1.5 0 0 1-1.5 1.5H7a1.5 1.5 0 0 1-1.5-1.5zM15.5 10h2.2a2 2 0 0 1 2 2v1.5a2 2 0 0 1-2 2h-2.2M8.5 5V3.5M12.5 5V3.5',
  },
];
