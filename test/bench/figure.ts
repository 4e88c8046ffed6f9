/** What a bench says: one line of JSON per figure on standard output, so that a script can keep and compare them. */
export type Figure = Readonly<{
  bench: string;
  /** The promise of docs/reference/benchmarks.md, in its words. */
  promise: string;
  holds: boolean;
  [detail: string]: string | number | boolean | readonly number[];
}>;

export const report = (figure: Figure): void => console.log(JSON.stringify(figure));
/** Progress: never on standard output, which holds figures alone. */
export const say = (line: string): void => console.error(line);

export const rounded = (value: number, digits = 3): number => Number(value.toFixed(digits));
export const MIB = 1024 * 1024;
