/** What each Airflow release says of its configuration options. The table is made from the releases themselves: scripts/option-data. */
import { OPTIONS_TABLE } from '../airflow-tables.js';

export type OptionFacts = Readonly<{
  /** Every version that MWAA has sold, oldest first. */
  versions: readonly string[];
  /**
   * By `section.option`; `changes`: since which version it has which default, from the first that knows it.
   * A default of null: none; false: that version does not know the option any more.
   */
  options: Readonly<Record<string, Readonly<{ changes: readonly (readonly [version: string, standard: string | null | false])[]; isSensitive?: boolean; provider?: string }>>>;
  /** `by`: the versions whose `conf` takes the old name for the new one, with a warning; `since`: Airflow's own number. */
  renamed: readonly Readonly<{ from: string; to: string; since: string; by: readonly string[] }>[];
  /** Values that `conf` replaces with a warning, from `since` to `until`; `pattern` and `flags` as RegExp takes them. */
  values: readonly Readonly<{ option: string; pattern: string; flags: string; replacement: string; since: string; until: string }>[];
  /** Rules of `airflow config lint` (3.0 and later); `since`: the first of `versions` that has the rule. */
  lint: readonly Readonly<{
    since: string; option: string; kind: 'renamed' | 'removed' | 'default' | 'invalid' | 'removed-if';
    to?: string; old?: string; new?: string; value?: string; suggestion?: string; breaking?: boolean;
  }>[];
}>;

export const OPTION_FACTS = OPTIONS_TABLE as OptionFacts;
