/**
 * What phase check found, as it crosses from a job that runs DAG code to one that has credentials: data of a stranger.
 * Published as docs/reference/check.schema.json; `readCheckReport` takes nothing else.
 */

/** Raised when a reader of the old shape would misread the new one. */
export const CHECK_SCHEMA = 1;

/** The writer keeps below; whatever is larger is none of ours. */
export const MAX_REPORT_BYTES = 5 * 1024 * 1024;

/** error: it will not work on the target. warning: it works otherwise, or might not. notice: worth knowing. */
export type CheckLevel = 'error' | 'warning' | 'notice';

export type CheckFinding = Readonly<{
  /** Stable, kebab case, described in docs/reference/check-findings.md: "import-removed", "dag-lost", "requirements-conflict". */
  code: string;
  level: CheckLevel;
  /** From the root of the repository, with "/". undefined: it belongs to no file. */
  file: string | undefined;
  /** From 1. undefined: the whole file. */
  line: number | undefined;
  dagId: string | undefined;
  what: string;
  /** undefined: `what` says it. */
  why: string | undefined;
  /** What to do. For an import or a name: the text to write, in `replacement` alone. */
  fix: string | undefined;
  /** Python text that takes the place of the line's import or name; applied, the file loads. */
  replacement: string | undefined;
}>;

/** One DAG on the target's Airflow, and on the source's where it loads there; dates are ISO 8601 in UTC, null: nothing is scheduled, undefined: could not be had. */
export type CheckedDag = Readonly<{
  dagId: string;
  file: string;
  schedule: Readonly<{ source: string | undefined; target: string }>;
  nextRun: Readonly<{ source: string | null | undefined; target: string | null | undefined }>;
  /** Data interval of that run, "start/end"; its start is the logical date. */
  interval: Readonly<{ source: string | null | undefined; target: string | null | undefined }> | undefined;
  /** In effect: the DAG's own, or the default with the options that the plan sets. */
  catchup: Readonly<{ source: boolean | undefined; target: boolean | undefined }> | undefined;
  isPausedUponCreation: boolean | undefined;
}>;

export type CheckReport = Readonly<{
  schema: typeof CHECK_SCHEMA;
  migrationId: string;
  versions: Readonly<{ source: string | undefined; target: string; python: string }>;
  counts: Readonly<{ dagFiles: number; dags: number; requirements: number; plugins: number }>;
  /** Worst first, then by file, line, code. */
  findings: readonly CheckFinding[];
  /** By DAG id. */
  dags: readonly CheckedDag[];
  /** What was not checked, and why; a reader must not take silence for success. */
  notChecked: readonly string[];
}>;
