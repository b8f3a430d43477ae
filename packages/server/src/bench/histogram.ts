/** A histogram of latencies: fixed memory, a constant cost a sample, 1.6 % resolution. */

const subBuckets = 64;
const subBits = 6;

/** Counts microseconds in buckets that widen with the value. */
export class Histogram {
  readonly #counts = new Float64Array(subBuckets * 27);
  #total = 0;

  /** Adds one sample in milliseconds; below zero counts as zero. */
  add(ms: number): void {
    const us = Math.max(0, Math.min(0x7fffffff, Math.round(ms * 1000)));
    const index = bucketOf(us);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#total += 1;
  }

  get total(): number {
    return this.#total;
  }

  /** The value, in milliseconds, that the given share of the samples does not exceed; undefined without samples. */
  quantile(share: number): number | undefined {
    if (this.#total === 0) return undefined;
    const wanted = Math.max(1, Math.ceil(share * this.#total));
    let seen = 0;
    for (let index = 0; index < this.#counts.length; index++) {
      seen += this.#counts[index] ?? 0;
      if (seen >= wanted) return middleOf(index) / 1000;
    }
    return undefined;
  }
}

function bucketOf(us: number): number {
  if (us < subBuckets) return us;
  const exponent = 31 - Math.clz32(us) - subBits;
  return (exponent + 1) * subBuckets + ((us >> exponent) & (subBuckets - 1));
}

function middleOf(index: number): number {
  if (index < subBuckets) return index;
  const exponent = Math.floor(index / subBuckets) - 1;
  return (subBuckets + (index % subBuckets) + 0.5) * 2 ** exponent;
}
