/** When what happened in a migration, from its journal: for the job summaries and the page. Pure; every text is ours, the journal gives only times. */
import type { Attempt, Journal, Step } from '../journal/journal.js';
import type { Block, Report, Section, Span } from './document.js';

/** A stretch of time in which the source's DAGs stood still. `until` undefined: they still do. Dates are ISO 8601 UTC. */
export type Pause = Readonly<{ since: string; until: string | undefined; endedBy: 'rollback' | 'cutover' | undefined }>;

/** More make a chart that nobody reads; the newest are shown. */
const ATTEMPTS = 6;

/** From the beginning of the first drain to the moment at which the DAGs ran again, on whichever side. Several final exports can share one pause. */
export function pausesOf({ attempts }: Journal): readonly Pause[] {
  const pauses: Pause[] = [];
  let since: string | undefined;
  const end = (until: string, endedBy: 'rollback' | 'cutover') => {
    if (since !== undefined) pauses.push({ since, until, endedBy });
    since = undefined;
  };
  for (const attempt of attempts) {
    const at = (name: string) => timeOf(attempt, name);
    const begun = at('drain-begun');
    if (begun !== undefined && attempt.mode === 'final') since ??= begun;
    const restored = at('restored'), activated = at('activated');
    // A cutover that was rolled back: the DAGs ran on the target in between, so that the first pause ended there.
    if (activated !== undefined && (restored === undefined || activated < restored)) end(activated, 'cutover');
    else if (restored !== undefined) end(restored, 'rollback');
  }
  if (since !== undefined) pauses.push({ since, until: undefined, endedBy: undefined });
  return pauses;
}

/** "3 h 12 min", "4 min 10 s", "0 s" */
export function lasting(from: string, to: string): string {
  const seconds = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days > 0) return hours > 0 ? `${days} d ${hours} h` : `${days} d`;
  if (hours > 0) return minutes > 0 ? `${hours} h ${minutes} min` : `${hours} h`;
  return minutes > 0 ? (seconds % 60 > 0 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`) : `${seconds} s`;
}

/** @param now ISO 8601; what has not ended is drawn up to it */
export function timelineSections(journal: Journal, now: string): readonly Section[] {
  const shown = journal.attempts.slice(-ATTEMPTS), left = journal.attempts.length - shown.length;
  const before: readonly Span[] = left > 0 ? [] : journal.finished.flatMap(({ phase, at }) => (isTime(at) && PHASES[phase] ? [{ label: PHASES[phase], from: at, to: undefined, look: 'done' as const }] : []));
  const paused = pausesOf(journal).filter(({ since }) => shown[0] === undefined || since >= shown[0].startedAt);
  const groups = [
    { title: 'Before', spans: before },
    ...shown.map((attempt) => ({ title: `Attempt ${attempt.number}, ${attempt.mode}`, spans: spansOf(attempt, now, attempt === journal.attempts.at(-1)) })),
    { title: 'Source', spans: paused.map(({ since, until, endedBy }): Span => ({ label: endedBy === undefined ? 'Paused, and still is' : endedBy === 'rollback' ? 'Paused until it was put back' : 'Paused until the cutover', from: since, to: until ?? now, look: 'pause' })) },
  ].filter(({ spans }) => spans.length > 0);
  if (groups.length === 0) return [];
  const chart: Block = { kind: 'timeline', title: `Timeline, times in UTC${left > 0 ? ` (the newest ${ATTEMPTS} attempts)` : ''}`, groups };
  return [{ title: 'Timeline', importance: 2, blocks: [chart] }];
}

/** The report with the timeline behind what it says itself. */
export const withTimeline = (report: Report, journal: Journal, now: Date): Report => ({ ...report, sections: [...report.sections, ...timelineSections(journal, now.toISOString())] });

const PHASES: Readonly<Record<string, string>> = { resources: 'Resources copied', create: 'Target ready' };

/** `from` is the step with which it begins; the first of `to` that follows ends it. */
const STRETCHES = [
  { label: 'Drain', from: 'drain-begun', to: ['drained', 'voided', 'restored'] },
  { label: 'Export', from: 'drained', to: ['exported', 'voided', 'restored'] },
  { label: 'Import', from: 'import-begun', to: ['imported', 'restored'] },
  { label: 'Cutover', from: 'activation-begun', to: ['activated', 'restored'] },
  { label: 'Rollback', from: 'rollback-begun', to: ['restored'] },
] as const;
const MOMENTS: Readonly<Record<string, Readonly<{ label: string; look: Span['look'] }>>> = {
  approved: { label: 'Approved', look: 'done' }, 'cutover-approved': { label: 'Cutover approved', look: 'done' }, expired: { label: 'Gate expired', look: 'bad' }, voided: { label: 'Export given up', look: 'bad' }, verified: { label: 'Verified', look: 'done' }, restored: { label: 'Source put back', look: 'done' },
};

function spansOf(attempt: Attempt, now: string, isNewest: boolean): readonly Span[] {
  const rehearsal: readonly Span[] = attempt.mode === 'rehearsal' && isTime(attempt.startedAt) ? [stretch('Rehearsal', attempt.startedAt, attempt, ['exported', 'voided', 'restored'], isNewest ? now : undefined)] : [];
  const stretches = STRETCHES.flatMap(({ label, from, to }) => {
    const begun = timeOf(attempt, from);
    return begun === undefined ? [] : [stretch(label, begun, attempt, to, isNewest ? now : undefined)];
  });
  const moments = attempt.steps.flatMap((step): readonly Span[] => {
    const moment = MOMENTS[step.name];
    if (!moment || !isTime(step.at)) return [];
    const isBad = moment.look === 'bad' || step.data?.isGood === false;
    return [{ label: isBad && step.name === 'verified' ? 'Verified, with differences' : moment.label, from: step.at, to: undefined, look: isBad ? 'bad' : moment.look }];
  });
  return [...rehearsal, ...stretches, ...moments].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
}

/** @param now undefined: a later attempt exists, so that what has not ended was given up when nobody knows */
function stretch(label: string, from: string, attempt: Attempt, ends: readonly string[], now: string | undefined): Span {
  const end = ends.flatMap((name) => timeOf(attempt, name) ?? []).filter((at) => at >= from).sort()[0];
  if (end !== undefined) return { label, from, to: end, look: 'done' };
  return now === undefined || now < from ? { label: `${label}, not ended`, from, to: undefined, look: 'bad' } : { label: `${label}, not ended`, from, to: now, look: 'open' };
}

function timeOf({ steps }: Attempt, name: string): string | undefined {
  const found: Step | undefined = steps.find((step) => step.name === name);
  return found && isTime(found.at) ? found.at : undefined;
}

/** The journal is data from outside; what is no time is not drawn. Of one form, so that two compare as texts. */
const isTime = (at: string): boolean => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/u.test(at) && !Number.isNaN(Date.parse(at));
