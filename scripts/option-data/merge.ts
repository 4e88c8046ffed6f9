/** What every release knows of its options as one table: an option's line changes only in the versions in which something of it changes. */
import type { OptionFacts } from '../../src/airflow/option-facts.js';

/** As read_options.py prints it. */
export type ReleaseOptions = Readonly<{
  asked: readonly string[];
  options: Readonly<Record<string, Readonly<{ default: string | null; sensitive: boolean; provider: string | null }>>>;
  /** old, new, since which Airflow */
  renamed: readonly (readonly [string, string, string])[];
  /** option, pattern of an old value, flags, replacement, Airflow that stops to replace it */
  values: readonly (readonly [string, string, string, string, string | null])[];
  lint: readonly Readonly<{ option: string; kind: 'renamed' | 'removed' | 'default' | 'invalid' | 'removed-if'; to?: string; old?: string; new?: string; value?: string; suggestion?: string; breaking?: boolean }>[];
}>;

/** @param releases by version, oldest first */
export function mergeReleases(releases: Readonly<Record<string, ReleaseOptions>>): OptionFacts {
  const versions = Object.keys(releases);
  const names = [...new Set(versions.flatMap((version) => Object.keys(releases[version]?.options ?? {})))].sort();
  return {
    versions,
    options: Object.fromEntries(names.map((name) => [name, optionOf(name, releases)])),
    renamed: renamesOf(releases),
    values: valuesOf(releases),
    lint: lintOf(releases),
  };
}

function optionOf(name: string, releases: Readonly<Record<string, ReleaseOptions>>): OptionFacts['options'][string] {
  const changes: [string, string | null | false][] = [];
  let provider: string | null = null, isSensitive = false;
  for (const [version, { options, asked }] of Object.entries(releases)) {
    const found = options[name];
    // false: this version does not know the option; null: it has no default, or reads the option without describing it.
    const value = found ? found.default : asked.includes(name) ? null : false;
    if (changes.length === 0 ? value !== false : changes.at(-1)?.[1] !== value) changes.push([version, value]);
    provider = found?.provider ?? provider;
    isSensitive ||= found?.sensitive ?? false;
  }
  return { changes, ...(isSensitive ? { isSensitive } : {}), ...(provider ? { provider } : {}) };
}

/** `by`: versions whose `conf` reads the old name for the new one, with a warning. */
function renamesOf(releases: Readonly<Record<string, ReleaseOptions>>): OptionFacts['renamed'] {
  const found = new Map<string, { from: string; to: string; since: string; by: string[] }>();
  for (const [version, { renamed }] of Object.entries(releases))
    for (const [from, to, since] of renamed) {
      const known = found.get(`${from} ${to}`) ?? { from, to, since, by: [] };
      known.by.push(version);
      found.set(`${from} ${to}`, known);
    }
  return [...found.values()].sort((a, b) => (a.from === b.from ? (a.to < b.to ? -1 : 1) : a.from < b.from ? -1 : 1));
}

/** `since` and `until`: the first and the last of our versions that replace the value. */
function valuesOf(releases: Readonly<Record<string, ReleaseOptions>>): OptionFacts['values'] {
  const found = new Map<string, OptionFacts['values'][number]>();
  for (const [version, { values }] of Object.entries(releases))
    for (const [option, original, said, replacement] of values) {
      // Python's and RE2's anchors and inline flag, as JavaScript writes them.
      const pattern = original.replace(/^\(\?i\)/u, '').replace(/\\A/gu, '^').replace(/\\[zZ]/gu, '$');
      const flags = original.startsWith('(?i)') ? 'i' : said;
      const key = JSON.stringify([option, pattern, replacement]);
      found.set(key, { option, pattern, flags, replacement, since: found.get(key)?.since ?? version, until: version });
    }
  return [...found.values()];
}

/** `since`: the first of our versions that the rule speaks of; 2.11 has the rules of 3.0 already, to warn. */
function lintOf(releases: Readonly<Record<string, ReleaseOptions>>): OptionFacts['lint'] {
  const found = new Map<string, OptionFacts['lint'][number]>();
  const first = Object.keys(releases).find((version) => Number(version.split('.')[0]) >= 3);
  for (const [version, { lint }] of Object.entries(releases))
    for (const rule of lint) {
      const since = Number(version.split('.')[0]) >= 3 ? version : first ?? version;
      const key = JSON.stringify(rule);
      if (!found.has(key)) found.set(key, { since, ...rule });
    }
  return [...found.values()];
}
