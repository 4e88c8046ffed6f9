/** Where a migration stands from cutover on, and on the way back. */
import type { Attempt } from '../journal/journal.js';
import { counted, type Text } from './document.js';

export const SWITCH_STEPS: Readonly<Record<string, string>> = {
  'import-begun': 'the import has begun', 'activation-begun': 'the cutover has begun: DAGs of the target may be active', 'rollback-begun': 'the rollback has begun', deactivated: 'the target is paused again',
};

type Stand = Readonly<{ stand: string; next: readonly Text[] }>;

/** @returns undefined before cutover, and once another attempt has begun after the way back */
export function switchStand(final: Attempt | undefined, newest: Attempt | undefined): Stand | undefined {
  const step = (name: string) => final?.steps.find((one) => one.name === name);
  if (step('restored')) return newest === final ? { stand: `the last final export was ${step('activated') ? 'cut over and rolled back' : 'given up'}, the source is active again`, next: ['Run phase export with mode final again.'] } : undefined;
  if (step('rollback-begun')) return { stand: 'a rollback is under way or was stopped: both sides are paused', next: ['Run phase rollback again: it goes on where it stopped.'] };
  const activated = step('activated');
  if (!activated) return step('activation-begun') ? { stand: 'a cutover is under way or was stopped: DAGs of the target may be active', next: ['Run phase cutover again: it goes on where it stopped. Or go back with phase rollback.'] } : undefined;
  const { left, stopped } = activated.data ?? {};
  const count = Array.isArray(left) ? left.length : 0;
  if (count === 0) return { stand: 'cut over', next: ['Nothing. Watch the target; keep the source until you are sure: phase rollback can go back until then.'] };
  return { stand: `cut over, ${counted(count, 'DAG')} left paused${typeof stopped === 'string' ? ' behind a canary' : ''}`, next: ['Repair what kept them back, then run phase cutover again. Or go back with phase rollback.'] };
}
