import type { Journal, Lock } from '../journal/journal.js';
import { code, grouped, table, text, type Report, type Section } from './document.js';
import { attemptSections } from './status-steps.js';
import { whereItStands } from './stand.js';
import { SWITCH_STEPS } from './status-switch.js';
import { timelineSections } from './timeline.js';

/** DAGs with a file, and those of them that are not paused; a text: why nobody knows. */
export type ActiveNow = Readonly<{ active: number; all: number }> | string;

/** `wanted`: the attempt that was asked for; `active`: undefined where the migration has not begun. */
export type StatusFacts = Readonly<{ id: string; journal: Journal | undefined; location: string; lock: Lock | undefined; now: string; wanted?: number | undefined; active?: Readonly<{ source: ActiveNow; target: ActiveNow }> | undefined; /** What the migration moved, behind the timeline. */ more?: readonly Section[] }>;

/** What a step of an attempt means to a person; a step that is not here is shown by its name. */
const STEPS: Readonly<Record<string, string>> = {
  started: 'started', approved: 'approved in the gate', 'cutover-approved': 'the cutover is approved', 'made-from': 'made from an approved rehearsal', watched: 'watched while the gate waits', expired: 'the gate was not answered in time',
  'active-dags': 'active DAGs are recorded', 'drain-begun': 'the drain has begun: the source may be paused', drained: 'the source is paused', restored: 'the source was put back', voided: 'given up: what was exported cannot be used',
  exported: 'exported', imported: 'imported', 'secrets-removed': 'exported secrets removed', verified: 'verified', activated: 'DAGs activated on the target',
  ...SWITCH_STEPS,
};

export function statusReport({ id, journal, location, lock, now, wanted, active, more = [] }: StatusFacts): Report {
  if (!journal) return { verdict: ['Migration ', code(id), ' has not begun'], isGood: true, sections: [{ title: 'Where', importance: 1, blocks: [text('Looked below ', code(location), '.')] }], next: ['Run phase plan, then resources.'] };
  if (journal.cleaned) return { verdict: ['Migration ', code(id), ' is over and cleaned up'], isGood: true, sections: [], next: ['For another one choose a new id in the migration file.'] };
  const { stand, care, next } = whereItStands(journal);
  const isStill = active !== undefined && [active.source, active.target].every(isAsleep);
  return {
    verdict: ['Migration ', code(id), ': ', stand, ...(isStill ? ['; no DAG is active on either side now'] : [])], isGood: true, needsCare: care === true || isStill,
    sections: [
      ...(lock ? [{ title: 'A phase is running', importance: 1 as const, blocks: [text('Lock held by ', code(lock.owner), ' since ', code(lock.since), '; its lease ends at ', code(lock.expiresAt), ' unless renewed (now: ', code(now), ').')] }] : []),
      ...timelineSections(journal, now),
      ...more,
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
