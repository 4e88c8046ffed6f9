/** What becomes of the Airflow options, for the plan's report: what a person has to decide first, what stays last. */
import type { OptionStep } from '../plan/option-steps.js';
import type { ChangedDefault, OptionChange } from '../plan/target-options.js';
import { diffBlock, type DiffEntry } from './diff-block.js';
import { code, counted, table, text, type Cell, type Part, type Section } from './document.js';

/** Kinds in the order in which they are read, each with what it means. */
const KINDS: readonly (readonly [OptionChange['kind'], string])[] = [
  ['removed', 'removed: not sent'], ['dropped', 'not sent'], ['ignored', 'not sent: MWAA sets it'], ['changed', 'changed by the migration file'], ['added', 'added'],
  ['moved', 'moved to another section'], ['renamed', 'renamed'], ['unknown', 'sent as it is: Airflow does not know it'],
];

export const isChange = ({ kind, steps }: OptionChange): boolean => kind !== 'kept' || steps.some((step) => step.kind === 'value');

/** @param to the target's Airflow version */
export function optionSections(options: readonly OptionChange[], defaults: readonly ChangedDefault[], to: string): readonly Section[] {
  const changed = KINDS.flatMap(([kind]) => options.filter((one) => one.kind === kind)).concat(options.filter((one) => one.kind === 'kept' && isChange(one)));
  const kept = options.filter((one) => !isChange(one));
  const otherDefault = kept.filter(({ steps }) => steps.length > 0);
  return [
    ...(changed.length > 0 ? [{
      title: `Airflow options that change (${changed.length})`, importance: 1 as const,
      blocks: [diffBlock(changed.map(optionDiff)), text(HIDDEN_NOTE)],
    }, {
      title: 'Why these options change, and since when', importance: 2 as const, isFolded: true,
      blocks: [table(['On the source', 'On the target', 'Value before', 'Value after', 'What', 'Since'], changed.map(optionRow))],
    }] : []),
    ...(defaults.length > 0 ? [{
      title: `Other defaults on Airflow ${to} (${defaults.length})`, importance: 2 as const, isFolded: true,
      blocks: [text('Nobody sets these options, so the target takes the new default. To keep the old one, set it in ', code('target.configuration'), '.'), table(['Option', 'Default on the source', 'Default on the target'], defaults.map(({ option, was, is }) => [code(option), standard(was), standard(is)]))],
    }] : []),
    ...(kept.length > 0 ? [{
      title: `Airflow options that stay (${kept.length}${otherDefault.length > 0 ? `, ${counted(otherDefault.length, 'of them has', 'of them have')} another default by now, which your value overrides` : ''})`, importance: 3 as const, isFolded: true,
      blocks: [table(['Option', 'Value', 'Other default since'], kept.map((one) => [code(one.source ?? one.target ?? ''), value(one.after), stepParts(one.steps)]))],
    }] : []),
  ];
}

const HIDDEN_NOTE = 'A value is shown only where Airflow\'s option can hold no secret; every other one is (hidden) and carried over as it is when the environment is created.';

/** What is not sent, and what nobody knows, says so in its line; for the rest the line says it. */
function optionDiff({ source, target, before, after, kind }: OptionChange): DiffEntry {
  const isSaid = target === undefined || kind === 'unknown' || kind === 'kept';
  return {
    before: source === undefined ? undefined : { name: source, value: before }, after: target === undefined ? undefined : { name: target, value: after },
    note: isSaid ? (KINDS.find(([known]) => known === kind)?.[1] ?? 'another value') : undefined,
  };
}

function optionRow({ source, target, before, after, kind, steps, note }: OptionChange): readonly Cell[] {
  const meaning = KINDS.find(([known]) => known === kind)?.[1] ?? 'another value';
  return [name(source), name(target), value(before), value(after), note === undefined ? meaning : `${meaning}: ${note}`, stepParts(steps)];
}

/** "2.2.2: renamed; 2.4.3: moved", of the versions that MWAA sells. */
function stepParts(steps: readonly OptionStep[]): Cell {
  if (steps.length === 0) return undefined;
  return steps.flatMap((step, at): readonly Part[] => [at > 0 ? '; ' : '', `${step.version}: `, ...stepText(step)]);
}

function stepText(step: OptionStep): readonly Part[] {
  switch (step.kind) {
    case 'renamed': return ['renamed to ', code(step.to)];
    case 'moved': return ['moved to ', code(step.to)];
    case 'removed': return step.because === undefined ? ['gone'] : [code(step.because)];
    case 'default': return ['default ', standard(step.was), ' became ', standard(step.is)];
    case 'value': return [code(step.because)];
  }
}

const name = (option: string | undefined): Cell => (option === undefined ? undefined : code(option));
const value = (shown: string | undefined): Cell => (shown === undefined ? undefined : code(shown));
/** Characters; Airflow's longest templates differ at their end. */
const MAX_DEFAULT = 300;
const standard = (text: string | null): Part => (text === null || text === '' ? 'empty' : code(text.length > MAX_DEFAULT ? `${text.slice(0, MAX_DEFAULT - 1)}…` : text));
