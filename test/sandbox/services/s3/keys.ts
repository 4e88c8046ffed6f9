/** Object keys in S3's order: by the bytes of their UTF-8 form, which differs from JavaScript's own order above U+FFFF. */

/** Negative, 0 or positive, as Array.sort wants it. */
export function compareKeys(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const a = left.charCodeAt(index), b = right.charCodeAt(index);
    if (a !== b) return rank(a) - rank(b);
  }
  return left.length - right.length;
}

/** Surrogates stand for code points above every other unit, though their numbers do not. */
function rank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800;
  return unit >= 0xd800 ? unit + 0x2000 : unit;
}

export class SortedKeys {
  readonly #keys: string[] = [];

  get size(): number {
    return this.#keys.length;
  }
  add(key: string): void {
    const at = this.#position(key);
    if (this.#keys[at] !== key) this.#keys.splice(at, 0, key);
  }
  remove(key: string): void {
    const at = this.#position(key);
    if (this.#keys[at] === key) this.#keys.splice(at, 1);
  }
  /** Every key that is not before `start`, in order. */
  *from(start: string): Generator<string> {
    for (let at = this.#position(start); at < this.#keys.length; at += 1) yield this.#keys[at]!;
  }
  #position(key: string): number {
    let low = 0, high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeys(this.#keys[middle]!, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
