/**
 * What becomes of a source's Airflow options on the target's version, one version that MWAA sold after the other. Pure; values are
 * carried along but never put into a step: whoever shows them asks `visibleValue` first.
 */
import type { OptionFacts } from '../airflow/option-facts.js';
import { compareVersions } from '../airflow/versions.js';
import { fixedByMwaa } from '../airflow/mwaa-options.js';

/** One version in which something of the option changes; `version` is the first of MWAA's that has it so. */
export type OptionStep = Readonly<
  | { version: string; kind: 'renamed' | 'moved'; from: string; to: string }
  | { version: string; kind: 'removed'; because: string | undefined }
  /** Another default; texts of Airflow's own documentation, null: none. */
  | { version: string; kind: 'default'; was: string | null; is: string | null }
  /** Airflow would replace the value with a warning; the target gets the new one at once. */
  | { version: string; kind: 'value'; because: string }
>;

export type PlannedOption = Readonly<{
  /** Name on the source; undefined: the migration file or the road adds it. */
  source: string | undefined;
  /** Name on the target; undefined: it is not sent. */
  target: string | undefined;
  /** Value on the target, real: never shown as it is. */
  value: string | undefined;
  kind: 'kept' | 'renamed' | 'moved' | 'removed' | 'ignored' | 'unknown' | 'added' | 'changed' | 'dropped';
  steps: readonly OptionStep[];
  /** What a person should know about it. */
  note: string | undefined;
}>;

/**
 * @param options the source's, by `section.option`
 * @param from Airflow version of the source; @param to of the target
 */
export function planOptions(options: Readonly<Record<string, string>>, from: string, to: string, facts: OptionFacts): readonly PlannedOption[] {
  const planned = Object.keys(options).sort().map((name) => planOption(name, options[name] ?? '', from, to, facts));
  const explicit = new Set(Object.keys(options));
  // Airflow reads the new name first: what an old name says beside it never counted.
  return planned.map((one) => {
    const { source, target } = one;
    const isShadowed = target !== undefined && target !== source && (explicit.has(target) || planned.some((other) => other !== one && other.target === target && (other.source ?? '') < (source ?? '')));
    return isShadowed ? { ...one, target: undefined, value: undefined, kind: 'dropped' as const, note: `${target} is set too, and Airflow reads that one first` } : one;
  });
}

function planOption(source: string, sourceValue: string, from: string, to: string, facts: OptionFacts): PlannedOption {
  const steps: OptionStep[] = [];
  let name: string | undefined = source, value = sourceValue, isKnown = false;
  let before: string | undefined;
  for (const version of versionsBetween(from, to, facts)) {
    const renamed: string | undefined = renameIn(name, version, facts);
    if (renamed !== undefined && renamed !== name) {
      steps.push({ version, kind: sectionOf(renamed) === sectionOf(name) ? 'renamed' : 'moved', from: name, to: renamed });
      name = renamed;
      isKnown = true;
    }
    const removed = removalIn(name, value, version, isKnown, facts);
    if (removed) {
      steps.push({ version, kind: 'removed', because: removed.because });
      return { source, target: undefined, value: undefined, kind: 'removed', steps, note: removed.because };
    }
    const standard = defaultIn(name, version, facts);
    if (standard !== undefined) {
      const was = before === undefined ? undefined : defaultIn(name, before, facts);
      if (isKnown && was !== undefined && was !== standard) steps.push({ version, kind: 'default', was, is: standard });
      isKnown = true;
    }
    const replaced = replacedValue(name, value, version, facts);
    if (replaced !== undefined) {
      steps.push({ version, kind: 'value', because: 'Airflow replaces this old value with a warning' });
      value = replaced;
    }
    before = version;
  }
  // What MWAA ignored on the source must not begin to count because the target's name for it is not fixed.
  const fixed = fixedByMwaa(name, to) ?? fixedByMwaa(source, from);
  if (fixed !== undefined) return { source, target: undefined, value: undefined, kind: 'ignored', steps, note: fixed };
  if (!isKnown) return { source, target: name, value, kind: 'unknown', steps, note: `Airflow ${to} and its usual providers know no option of this name; a plugin or another provider may` };
  const last = steps.filter(({ kind }) => kind === 'renamed' || kind === 'moved').at(-1);
  return { source, target: name, value, kind: name === source ? 'kept' : sectionOf(name) === sectionOf(source) ? 'renamed' : last ? 'moved' : 'kept', steps, note: undefined };
}

/** The source's own version first: what is deprecated there already gets its new name too. */
function versionsBetween(from: string, to: string, { versions }: OptionFacts): readonly string[] {
  const floor = versions.filter((version) => compareVersions(version, from) <= 0).at(-1);
  return versions.filter((version) => version === floor || (compareVersions(version, from) > 0 && compareVersions(version, to) <= 0));
}

/** A version may rename in chains: to the end of them. */
function renameIn(name: string, version: string, facts: OptionFacts): string | undefined {
  let found = name;
  for (let hops = 0; hops < 5; hops++) {
    const current: string = found;
    const next = facts.renamed.find(({ from, by }) => from === current && by.includes(version))?.to
      ?? facts.lint.find(({ option, kind, since }) => option === current && kind === 'renamed' && compareVersions(since, version) <= 0)?.to;
    if (next === undefined || next === current) break;
    found = next;
  }
  return found === name ? undefined : found;
}

function removalIn(name: string, value: string, version: string, wasKnown: boolean, facts: OptionFacts): Readonly<{ because: string | undefined }> | undefined {
  const rule = facts.lint.find(({ option, kind, since }) => option === name && (kind === 'removed' || kind === 'removed-if') && compareVersions(since, version) <= 0);
  if (rule?.kind === 'removed') return { because: rule.suggestion };
  if (rule?.kind === 'removed-if' && rule.value === value) return { because: rule.suggestion ?? `the value ${rule.value ?? ''} is of no use any more` };
  return wasKnown && facts.options[name] !== undefined && defaultIn(name, version, facts) === undefined ? { because: undefined } : undefined;
}

/** undefined: that version does not know the option; null: it has no default. */
export function defaultIn(name: string, version: string, { options }: OptionFacts): string | null | undefined {
  const known = options[name]?.changes.filter(([since]) => compareVersions(since, version) <= 0).at(-1)?.[1];
  return known === undefined || known === false ? undefined : known;
}

function replacedValue(name: string, value: string, version: string, { values }: OptionFacts): string | undefined {
  for (const { option, pattern, flags, replacement, since, until } of values) {
    if (option !== name || compareVersions(since, version) > 0 || compareVersions(version, until) > 0) continue;
    const replaced = value.replace(new RegExp(pattern, `g${flags}`), replacement);
    if (replaced !== value) return replaced;
  }
  return undefined;
}

const sectionOf = (option: string) => option.slice(0, option.lastIndexOf('.'));
