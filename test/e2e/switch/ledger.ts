/** What tasks wrote into the shared ledger, and the gates that they wait for; the other side of dags/ledger.py. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export type Entry = Readonly<{ side: string; dag: string; run: string; task: string; map: number; tries: number; event: 'begin' | 'fail' | 'ok' }> & Readonly<Record<string, unknown>>;
export type Gate = 'conf' | 'cut' | 'days' | 'deferred' | 'mapped' | 'queued' | 'sensor';
export const GATES: readonly Gate[] = ['conf', 'cut', 'days', 'deferred', 'mapped', 'queued', 'sensor'];

export const entriesOf = (folder: string): readonly Entry[] => {
  const file = path.join(folder, 'ledger.jsonl');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line) as Entry) : [];
};

export const openGate = (folder: string, gate: Gate): void => writeFileSync(path.join(folder, `open-${gate}`), '');
export const closeGate = (folder: string, gate: Gate): void => rmSync(path.join(folder, `open-${gate}`), { force: true });

export const openAll = (folder: string): void => GATES.forEach((gate) => openGate(folder, gate));
export const closeAll = (folder: string): void => GATES.forEach((gate) => closeGate(folder, gate));

/** From now on every try of this DAG fails on this side. */
export const breakOn = (folder: string, side: string, dagId: string): void => writeFileSync(path.join(folder, `broken-${side}-${dagId}`), '');

/** One task instance's life over both sides, oldest first: `analytics 1 begin`. */
export function livesOf(entries: readonly Entry[], dagId: string): Readonly<Record<string, readonly string[]>> {
  const lives: Record<string, string[]> = {};
  for (const { dag, run, task, map, side, tries, event } of entries)
    if (dag === dagId) (lives[`${run} ${task}${map < 0 ? '' : `[${map}]`}`] ??= []).push(`${side} ${tries} ${event}`);
  return lives;
}

/** Of livesOf(), what belongs to this run, or to `<run>_next`, which waits in the queue behind it. */
export const livesOfRun = (entries: readonly Entry[], dagId: string, run: string): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(Object.entries(livesOf(entries, dagId)).filter(([key]) => key.startsWith(`${run} `) || key.startsWith(`${run}_next `)));
