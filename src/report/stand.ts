/** Where a migration stands, by its journal, and what goes on from there. Pure. */
import type { Attempt, Journal } from '../journal/journal.js';
import { code } from './document.js';
import { isRollingBack, switchStand, type Stand } from './status-switch.js';

export function whereItStands(journal: Journal): Stand {
  const newest = journal.attempts.at(-1);
  const final = journal.attempts.filter(({ mode }) => mode === 'final').at(-1);
  const switched = switchStand(journal.attempts.find(isRollingBack) ?? final, newest);
  if (switched) return switched;
  return (final && !has(final, 'restored') ? finalStand(final) : undefined) ?? (newest ? rehearsalStand(newest) : beforeExport(journal));
}

/** undefined: it has paused nothing. */
function finalStand(final: Attempt): Stand | undefined {
  const verified = final.steps.find(({ name }) => name === 'verified');
  if (has(final, 'expired')) return { stand: 'the gate was not answered in time, and the source may still be paused', care: true, job: 'rollback', next: ['Run phase rollback: an approval that comes later counts for nothing.'] };
  if (verified?.data?.isGood === true) return { stand: 'verified, both sides paused', care: true, job: 'cutover', next: ['Run phase cutover.'] };
  if (verified) return { stand: 'verification found differences, both sides paused', care: true, job: 'verify', next: ['Look at the summary of phase verify, repair, and run it again.'] };
  if (has(final, 'imported')) return { stand: 'imported, both sides paused', care: true, job: 'verify', next: ['Run phase verify.'] };
  if (has(final, 'import-begun')) return { stand: 'an import is under way or was stopped, both sides paused', care: true, job: 'import', next: ['Run phase import again: it goes on where it stopped.'] };
  if (has(final, 'exported')) return { stand: `exported${has(final, 'approved') ? ' and approved' : ''}, the source is paused`, care: true, job: 'import', next: ['Run phase import.'] };
  if (has(final, 'drain-begun')) return { stand: 'a final export is under way or was stopped: the source may be paused', care: true, job: has(final, 'made-from') ? 'export' : 'pause-first', next: ['Run phase export with mode final again: it goes on where it stopped.'] };
  return undefined;
}

function rehearsalStand(newest: Attempt): Stand {
  const { mode, manifest } = newest;
  if (!has(newest, 'exported')) return { stand: `${mode} under way or stopped`, job: mode === 'rehearsal' ? 'rehearse' : 'export', next: [`Run phase export with mode ${mode} again: it goes on where it stopped.`] };
  if (has(newest, 'approved')) return { stand: 'rehearsed and approved', job: 'export', next: ['Run phase export with mode final: it pauses the source.'] };
  return { stand: 'rehearsed', job: 'ask', next: [['Approve the manifest digest', ...(manifest ? [' (', code(manifest.scope), ')'] : []), ', then run phase export with mode final.']] };
}

function beforeExport({ finished }: Journal): Stand {
  const isFinished = (phase: string) => finished.some((entry) => entry.phase === phase);
  if (isFinished('create')) return { stand: 'the target is ready', job: 'rehearse', next: ['Run phase export with mode rehearsal.'] };
  if (isFinished('resources')) return { stand: 'resources are copied', job: 'create', next: ['Run phase create.'] };
  return { stand: 'begun', job: 'resources', next: ['Run phase resources.'] };
}

const has = ({ steps }: Attempt, name: string): boolean => steps.some((step) => step.name === name);
