/** What rollback says of the target: what it found and did there, and what becomes of it. */
import type { DeactivateData } from '../airflow/protocol.js';
import { code, counted, type Part, type Text } from './document.js';

/** What rollback found of the target, and did. */
export type TargetSide =
  /** Activated by us, paused now. */
  | Readonly<{ kind: 'paused'; found: DeactivateData }>
  /** Never activated by us, but something was active there or had run; paused now. */
  | Readonly<{ kind: 'by-hand'; found: DeactivateData }>
  | Readonly<{ kind: 'asleep' }>
  /** Nothing was imported: whatever lives there is not of this migration. */
  | Readonly<{ kind: 'not-ours' }>
  /** An earlier run of rollback has paused it; how many DAGs of it. */
  | Readonly<{ kind: 'before'; paused: number }>
  /** An earlier run of rollback, which put the source back, had nothing to do there. */
  | Readonly<{ kind: 'left' }>
  | Readonly<{ kind: 'gone'; wasActive: boolean }>
  | Readonly<{ kind: 'broken'; why: string }>;

type Facts = Readonly<{ side: TargetSide; target: string; isImported: boolean }>;

export function targetText({ side, target }: Facts): readonly Part[] {
  const name = code(target);
  switch (side.kind) {
    case 'paused': return [name, ` is paused: ${counted(side.found.paused.length, 'DAG')} switched off, no task runs; ${counted(side.found.runs, 'run was', 'runs were')} made or went on there since the snapshot.`];
    case 'by-hand': return [...byHandText(name, side.found.paused), side.found.ran ? ' What ran there stands below.' : ' What ran there is not known here: look for what the source runs a second time.'];
    case 'not-ours': return ['Nothing was imported into ', name, ', so it was left alone: what is active there is not of this migration.'];
    case 'asleep': return ['Nothing was active on ', name, '.'];
    case 'before': return [name, ` was paused by an earlier run of rollback: ${counted(side.paused, 'DAG')} switched off.`];
    case 'left': return [name, ' was left alone by the run of rollback that put the source back: cutover had not begun, and nothing was known to run there.'];
    case 'gone': return side.wasActive ? [name, ' is gone, though its DAGs had been activated. What it ran since is not known: the source runs those intervals again. Look for what happened twice.'] : [name, ' does not exist; nothing ran there.'];
    case 'broken': return ['Nothing was ever activated on ', name, ', and it was left alone: ', code(side.why), '.'];
  }
}

function byHandText(name: Part, paused: readonly string[]): readonly Part[] {
  if (paused.length === 0) return ['Cutover had not begun and nothing is active on ', name, ' now, but DAGs ran there since the import: somebody had activated or started them by hand.'];
  const shown = paused.slice(0, 20).flatMap((dagId, at) => [...(at > 0 ? [', '] : []), code(dagId)]);
  return ['Cutover had not begun, but ', ...shown, paused.length > 20 ? ', … of ' : ' of ', name, paused.length === 1 ? ' was active: somebody activated it by hand. It is paused now.' : ' were active: somebody activated them by hand. They are paused now.'];
}

/** What to do with it next. */
export function targetNext({ side, target, isImported }: Facts): Text {
  if (side.kind === 'gone') return ['Before another try run phase create: there is no ', code(target), ' any more.'];
  if (!isImported) return ['Leave ', code(target), ' as it is: nothing of this migration was imported into it. Another try imports into it.'];
  return ['Leave ', code(target), ' paused: it holds the imported history, and a further final export is imported over it. Or delete the environment.'];
}
