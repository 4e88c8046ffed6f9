/** What a row of the tables of broken DAGs says. */

/** Source and target release; the folder of this name below broken/ or good/ is a repository that migrates so. */
export type Road = Readonly<{ name: string; source: string; target: string }>;

/** One change of a file that mends it; `file` is from the root of the repository. */
export type Edit = Readonly<{ file: string; from: string; to: string }>;

export type Break = Readonly<{
  /** The DAG file that breaks, from the root of the repository. */
  file: string;
  /** DAG ids that the source runs and the target does not, or not so. */
  dagIds: readonly string[];
  breaks: string;
  /** Release of Airflow, Python or package in which it breaks. */
  since: string;
  /** No rule on the text of that file can tell: it shows only when the real target loads it. */
  hidden: boolean;
  /**
   * How the real target shows it. An expression: in the file's import error. "lost": the file loads, or is passed over, and its
   * DAGs are not there. "template": it loads, and a name in the template is unknown when the task runs. "resolver": what it needs cannot
   * be installed.
   */
  seen: RegExp | 'lost' | 'template' | 'resolver';
  /** Codes of a finding that tells it, the aptest first. */
  codes: readonly string[];
  /** Where that finding may stand, "file" or "file:line", from the root; the line at fault before the line that led there. */
  places: readonly string[];
  cure: readonly Edit[];
}>;
