/** One line of a metric: a number and the labels it belongs to. */
export type Sample = readonly [value: number, labels?: Readonly<Record<string, string>>];
