import type { Attempt, Journal, Lock } from '../journal/journal.js';
import { code, grouped, table, text, type Report } from './document.js';
import { attemptSections } from './status-steps.js';
import { isRollingBack, SWITCH_STEPS, switchStand, type Stand } from './status-switch.js';

/** DAGs with a file, and those of them that are not paused; a text: why nobody knows. */
export type ActiveNow = Readonly<{ active: number; all: number }> | string;

/** `wanted`: the attempt that was asked for; `active`: undefined where the migration has not begun. */
export type StatusFacts = Readonly<{ id: string; journal: Journal | undefined; location: string; lock: Lock | undefined; now: string; wanted?: number | undefined; active?: Readonly<{ source: ActiveNow; target: ActiveNow }> | undefined }>;

/** What a step of an attempt means to a person; a step that is not here is shown by its name. */
const STEPS: Readonly<Record<string, string>> = {
  'active-dags': 'active DAGs are recorded', 'drain-begun': 'the drain has begun: the source may be paused', drained: 'the source is paused', restored: 'the source was put back', voided: 'given up: what was exported cannot be used',
  exported: 'exported', imported: 'imported', 'secrets-removed': 'exported secrets removed', verified: 'verified', activated: 'DAGs activated on the target',
  ...SWITCH_STEPS,
};

export function statusReport({ id, journal, location, lock, now, wanted, active }: StatusFacts): Report {
  if (!journal) return { verdict: ['Migration ', code(id), ' has not begun'], isGood: true, sections: [{ title: 'Where', importance: 1, blocks: [text('Looked below ', code(location), '.')] }], next: ['Run phase plan, then resources.'] };
  if (journal.cleaned) return { verdict: ['Migration ', code(id), ' is over and cleaned up'], isGood: true, sections: [], next: ['For another one choose a new id in the migration file.'] };
  const { stand, care, next } = whereItStands(journal);
  const isStill = active !== undefined && [active.source, active.target].every(isAsleep);
  return {
    verdict: ['Migration ', code(id), ': ', stand, ...(isStill ? ['; no DAG is active on either side now'] : [])], isGood: true, needsCare: care === true || isStill,
    sections: [
      ...(lock ? [{ title: 'A phase is running', importance: 1 as const, blocks: [text('Lock held by ', code(lock.owner), ' since ', code(lock.since), '; its lease ends at ', code(lock.expiresAt), ' unless renewed (now: ', code(now), ').')] }] : []),
      {
        title: 'Migration', importance: 1, blocks: [table(['What', 'Value'], [
          ['Source', code(`${journal.source.environment} (${journal.source.region}, Airflow ${journal.source.airflowVersion})`)],
          ['Target', code(`${journal.target.environment} (${journal.target.region}, Airflow ${journal.target.airflowVersion})`)],
          ...(active ? [['Active DAGs now', `source: ${activeText(active.source)}; target: ${activeText(active.target)}`]] : []),
          ['Plan digest', journal.planDigest ? code(journal.planDigest) : undefined], ['Journal', code(location)],
        ])],
      },
      { title: 'Phases', importance: 1, blocks: [table(['Phase', 'Finished', 'By'], journal.finished.map(({ phase, at, by }) => [code(phase), code(at), code(by)]))] },
      {
        title: `Attempts (${journal.attempts.length})`, importance: 1,
        blocks: [table(['Attempt', 'Mode', 'Begun', 'Last step', 'Manifest digest'], journal.attempts.map(({ number, mode, startedAt, steps, manifest }) => {
          const last = steps.at(-1);
          return [String(number), mode, code(startedAt), last ? [STEPS[last.name] ?? last.name, ', ', code(last.at)] : 'begun', manifest ? code(manifest.scope) : undefined];
        }))],
      },
      ...attemptSections(journal.attempts, (name) => STEPS[name] ?? name, wanted),
    ],
    next,
  };
}

/** Not an environment without DAGs, as a new target is. */
const isAsleep = (side: ActiveNow) => typeof side !== 'string' && side.active === 0 && side.all > 0;
const activeText = (side: ActiveNow) => (typeof side === 'string' ? side : `${grouped(side.active)} of ${grouped(side.all)}`);

function whereItStands(journal: Journal): Stand {
  const has = (attempt: Attempt | undefined, name: string) => attempt?.steps.some((step) => step.name === name) ?? false;
  const finished = (phase: string) => journal.finished.some((entry) => entry.phase === phase);
  const newest = journal.attempts.at(-1);
  const final = journal.attempts.filter(({ mode }) => mode === 'final').at(-1);
  const switched = switchStand(journal.attempts.find(isRollingBack) ?? final, newest);
  if (switched) return switched;
  if (has(final, 'restored') && newest) return rehearsalStand(newest);
  const verified = final?.steps.find(({ name }) => name === 'verified');
  if (verified?.data?.isGood === true) return { stand: 'verified, both sides paused', care: true, next: ['Run phase cutover.'] };
  if (verified) return { stand: 'verification found differences, both sides paused', care: true, next: ['Look at the summary of phase verify, repair, and run it again.'] };
  if (has(final, 'imported')) return { stand: 'imported, both sides paused', care: true, next: ['Run phase verify.'] };
  if (has(final, 'exported')) return { stand: 'exported, the source is paused', care: true, next: ['Run phase import.'] };
  if (has(final, 'drain-begun')) return { stand: 'a final export is under way or was stopped: the source may be paused', care: true, next: ['Run phase export with mode final again: it goes on where it stopped.'] };
  if (newest) return rehearsalStand(newest);
  if (finished('create')) return { stand: 'the target is ready', next: ['Run phase export with mode rehearsal.'] };
  if (finished('resources')) return { stand: 'resources are copied', next: ['Run phase create.'] };
  return { stand: 'begun', next: ['Run phase resources.'] };
}

const rehearsalStand = ({ mode, steps }: Attempt): Stand =>
  steps.some(({ name }) => name === 'exported') ? { stand: 'rehearsed', next: ['Approve the manifest digest, then run phase export with mode final.'] } : { stand: `${mode} under way or stopped`, next: [`Run phase export with mode ${mode} again: it goes on where it stopped.`] };
