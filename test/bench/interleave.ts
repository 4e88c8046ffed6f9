/** Seconds of every run, in their order. */
export type Times = Readonly<{ ours: readonly number[]; reference: readonly number[] }>;

/**
 * Runs both in turns (A B A B …): a machine that becomes busy half-way hits both alike.
 * @param ours and `reference` give the seconds of one run
 */
export async function interleave(repeat: number, { ours, reference }: Readonly<Record<'ours' | 'reference', (turn: number) => Promise<number>>>): Promise<Times> {
  const times = { ours: [] as number[], reference: [] as number[] };
  for (let turn = 1; turn <= repeat; turn++) {
    times.ours.push(await ours(turn));
    times.reference.push(await reference(turn));
  }
  return times;
}

/** The least disturbed run: other work on the machine only ever adds time. */
export const best = (seconds: readonly number[]): number => Math.min(...seconds);
