/** Every step of an attempt with its time and the numbers it recorded. Pure; the shapes of `data` are those that the phases write. */
import type { Attempt, Step } from '../journal/journal.js';
import { code, counted, table, text, type Section, type Text } from './document.js';

type Data = NonNullable<Step['data']>;

/** Attempts whose steps are told, the newest ones; the journal has all. */
const TOLD = 30;

/**
 * @param labelOf what a step means to a person
 * @param wanted number of the attempt that was asked for
 */
export function attemptSections(attempts: readonly Attempt[], labelOf: (name: string) => string, wanted?: number): readonly Section[] {
  const shown = wanted === undefined ? attempts.at(-1) : attempts.find(({ number }) => number === wanted);
  return [...attempts].reverse().filter((attempt, at) => at < TOLD || attempt === shown).map((attempt) => ({
    title: `Attempt ${attempt.number}, a ${attempt.mode === 'final' ? 'final export' : 'rehearsal'}, step by step (${attempt.steps.length})`,
    // Whoever names none wants the newest attempt; the others are history.
    importance: attempt === shown ? 1 : 2, isFolded: attempt !== shown,
    blocks: attempt.steps.length === 0
      ? [text('Begun ', code(attempt.startedAt), '; no step is done yet.')]
      : [table(['Step', 'When', 'Numbers'], attempt.steps.map((step) => [labelOf(step.name), code(step.at), step.data ? numbersOf(step.name, step.data) : undefined]))],
  }));
}

/** undefined: the step recorded nothing to tell. A step that is not here (of a newer release) shows the plain numbers of its data. */
function numbersOf(step: string, data: Data): Text | undefined {
  const tell = NUMBERS[step];
  return tell ? tell(data) : plainNumbers(data) || undefined;
}

const NUMBERS: Readonly<Record<string, (data: Data) => Text | undefined>> = {
  started: ({ startedBy }) => namesOf(startedBy, 'by '),
  approved: ({ by, how }) => (how === 'unprotected' ? 'by nobody: the gate was let through unprotected' : namesOf(by, how === 'dispatch' ? 'by dispatch, by ' : 'by ')),
  'cutover-approved': ({ by }) => namesOf(by, 'by '),
  'made-from': ({ from }) => `from attempt ${number(from)}`,
  'active-dags': ({ count }) => counted(number(count), 'DAG'),
  drained: ({ paused, leftover, waitedSeconds }) => `${counted(number(paused), 'DAG')} paused, ${counted(number(leftover), 'run')} left in flight, waited ${number(waitedSeconds)} s`,
  restored: ({ activated, putBack, missing, leftFailed }) => `${counted(number(activated), 'DAG')} active again, ${counted(number(putBack), 'ended task')} put back${Array.isArray(leftFailed) && leftFailed.length > 0 ? `, ${counted(leftFailed.length, 'run')} left failed` : ''}${Array.isArray(missing) && missing.length > 0 ? `, ${counted(missing.length, 'DAG')} gone` : ''}`,
  deactivated: ({ paused, runs }) => `${counted(number(paused), 'DAG')} paused on the target, which had run ${counted(number(runs), 'run')}`,
  voided: ({ reason }) => (typeof reason === 'string' ? code(reason) : undefined),
  exported: ({ rows }) => counted(number(rows), 'row'),
  imported: ({ tables, parkedRuns }) => {
    const all = typeof tables === 'object' && tables !== null ? (Object.values(tables) as readonly Data[]) : [];
    const sum = (of: 'inserted' | 'alreadyThere' | 'rejected') => all.reduce((total, one) => total + number(one[of]), 0);
    return `${counted(sum('inserted'), 'row')} imported, ${counted(sum('alreadyThere'), 'row')} there before, ${counted(sum('rejected'), 'row')} rejected; ${counted(number(parkedRuns), 'run')} parked`;
  },
  'secrets-removed': ({ versions }) => counted(number(versions), 'object version'),
  verified: ({ isGood, problems }) => (isGood === true ? 'good: both sides agree' : `bad: ${counted(number(problems), 'problem')}`),
  activated: ({ activated, alreadyActive, left, resumed }) => `${counted(number(activated), 'DAG')} activated, ${number(alreadyActive)} active before, ${Array.isArray(left) ? left.length : 0} left paused, ${counted(number(resumed), 'run')} resumed`,
};

const plainNumbers = (data: Data): string => Object.entries(data).filter(([, value]) => typeof value === 'number').map(([name, value]) => `${name}: ${String(value)}`).join(', ');

/** Logins, escaped: the journal is data from outside. */
function namesOf(value: unknown, before: string): Text | undefined {
  const names = Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string').slice(0, 20) : [];
  return names.length === 0 ? undefined : [before, ...names.flatMap((name, at) => [at > 0 ? ', ' : '', code(name)])];
}

/** The journal is data from outside: what an older release did not record counts 0. */
const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
