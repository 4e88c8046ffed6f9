/** Where a migration stands from cutover on, and on the way back. */
import type { Attempt, Step } from '../journal/journal.js';
import { code, counted, type Text } from './document.js';

export const SWITCH_STEPS: Readonly<Record<string, string>> = {
  'import-begun': 'the import has begun', 'activation-begun': 'the cutover has begun: DAGs of the target may be active', 'rollback-begun': 'the rollback has begun', deactivated: 'the target is paused again', 'restore-begun': 'the source is being put back: its DAGs may be active',
};

/** `care`: neither side goes on by itself, or a person has to decide. */
export type Stand = Readonly<{ stand: string; care?: boolean; /** Job of the workflow with which it goes on; undefined: nothing is left to do. */ job?: string; next: readonly Text[] }>;

/** Once rollback of an attempt has begun, nothing but rollback goes on, whichever attempts came after it. */
export const isRollingBack = ({ steps }: Attempt): boolean => {
  const names = steps.map(({ name }) => name);
  return !names.includes('restored') && (names.includes('rollback-begun') || names.includes('restore-begun'));
};

/** @returns undefined before cutover, and once another attempt has begun after the way back */
export function switchStand(final: Attempt | undefined, newest: Attempt | undefined): Stand | undefined {
  const step = (name: string) => final?.steps.find((one) => one.name === name);
  const restored = step('restored');
  if (restored) return newest === final ? { stand: `the last final export was ${step('activated') ? 'cut over and rolled back' : 'given up'}, the source is active again`, job: step('made-from') ? 'rehearse' : 'pause-first', ...afterRollback(restored) } : undefined;
  const again = ['Run phase rollback again: it goes on where it stopped.'];
  if (step('restore-begun')) return { stand: 'a rollback is under way or was stopped: DAGs of the source may be active again', care: true, job: 'rollback', next: again };
  if (step('rollback-begun')) return { stand: 'a rollback is under way or was stopped: both sides are paused', care: true, job: 'rollback', next: again };
  const activated = step('activated');
  if (!activated) return step('activation-begun') ? { stand: 'a cutover is under way or was stopped: DAGs of the target may be active', care: true, job: 'cutover', next: ['Run phase cutover again: it goes on where it stopped. Or go back with phase rollback.'] } : undefined;
  const { left, stopped } = activated.data ?? {};
  const count = Array.isArray(left) ? left.length : 0;
  if (count === 0) return { stand: 'cut over', next: ['Nothing. Watch the target; keep the source until you are sure: phase rollback can go back until then.'] };
  return { stand: `cut over, ${counted(count, 'DAG')} left paused${typeof stopped === 'string' ? ' behind a canary' : ''}: they run on neither side`, care: true, job: 'cutover', next: ['Repair what kept them back, then run phase cutover again. Or go back with phase rollback.'] };
}

/** Runs that are named; who has more looks into the rollback's own summary. */
const MOST_NAMED = 10;

function afterRollback({ data }: Step): Pick<Stand, 'care' | 'next'> {
  const again: Text = 'Nothing else has to be done. For another try run phase export with mode final, which pauses the source again.';
  const left = Array.isArray(data?.leftFailed) ? (data.leftFailed as readonly unknown[]).flatMap((run) => nameOf(run) ?? []) : [];
  if (left.length === 0) return { next: [again] };
  const named = left.slice(0, MOST_NAMED).flatMap((name, at) => [at > 0 ? ', ' : '', code(name)]);
  return {
    care: true,
    next: [[`${counted(left.length, 'run')} stood failed on the source when it was put back, for a person to decide; the rollback's summary says what ran: `, ...named, left.length > MOST_NAMED ? ', …' : ''], again],
  };
}

/** The journal is data from outside. */
function nameOf(run: unknown): string | undefined {
  if (typeof run !== 'object' || run === null) return undefined;
  const { dagId, runId } = run as Readonly<Record<string, unknown>>;
  return typeof dagId === 'string' && typeof runId === 'string' ? `${dagId} / ${runId}` : undefined;
}
