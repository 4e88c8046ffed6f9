/**
 * Which jobs of a workflow GitHub runs, told from its YAML alone. The rules are GitHub's, written down here on their own:
 * - a condition without a status function is false unless every ancestor succeeded; failure() is true when any ancestor failed
 *   (https://docs.github.com/actions/reference/workflows-and-actions/expressions#status-check-functions);
 * - a job whose condition is false is skipped, and so is a needed one's result: https://docs.github.com/actions/reference/workflows-and-actions/contexts#needs-context;
 * - a job that takes too long, or is cancelled, has the result "cancelled", which failure() does not see;
 * - a cancelled run asks the conditions of all jobs again (https://docs.github.com/actions/reference/workflows-and-actions/workflow-cancellation);
 * - "Re-run failed jobs" runs failed and cancelled jobs and all that depend on them; the others keep result and outputs
 *   (https://docs.github.com/actions/how-tos/manage-workflow-runs/re-run-workflows-and-jobs).
 */
import { compileFunction } from 'node:vm';
import { needsOf, type Workflow } from './workflow-file.js';

export type Result = 'success' | 'failure' | 'cancelled' | 'skipped';
export type Played = Readonly<{ results: Readonly<Record<string, Result>>; /** Ids that ran in this attempt, in order. */ ran: readonly string[] }>;
export type Play = Readonly<{
  inputs: Readonly<Record<string, unknown>>;
  /** Outputs of the jobs that ran, by job. */
  outputs: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** How jobs end that do not succeed. */
  ends?: Readonly<Record<string, Result>>;
  /** Somebody cancels the run just before this job would begin. */
  cancelledBefore?: string;
  /** The attempt before: this one is "Re-run failed jobs" of it. */
  again?: Played;
}>;

/** What act leaves in the place of an output that a skipped job did not give; GitHub: nothing. Whoever reads it is wrong on one of them. */
export const NEVER_SET = '${{ never set }}';

/** Jobs stand in the file after those that they need. */
export function play({ jobs }: Workflow, { inputs, outputs, ends = {}, cancelledBefore, again }: Play): Played {
  const results: Record<string, Result> = {};
  const kept = Object.keys(jobs).filter((id) => again !== undefined && ![id, ...ancestorsOf(jobs, id)].some((one) => again.results[one] === 'failure' || again.results[one] === 'cancelled'));
  let isCancelled = false;
  for (const [id, job] of Object.entries(jobs)) {
    if (kept.includes(id)) {
      results[id] = again?.results[id] ?? 'skipped';
      continue;
    }
    isCancelled ||= id === cancelledBefore;
    const may = evaluate(withDefault(job.if), { inputs, needs: needsOf(job), results, outputs, ancestors: ancestorsOf(jobs, id), isCancelled });
    results[id] = may === true ? ends[id] ?? 'success' : 'skipped';
  }
  return { results, ran: Object.keys(results).filter((id) => results[id] !== 'skipped' && !kept.includes(id)) };
}

const withDefault = (condition = 'success()'): string => (/\b(?:always|cancelled|failure|success)\(\)/u.test(condition) ? condition : `success() && (${condition.replaceAll(/\$\{\{|\}\}/gu, '')})`);

type Seen = Readonly<{ inputs: Readonly<Record<string, unknown>>; needs: readonly string[]; results: Readonly<Record<string, Result>>; outputs: Play['outputs']; ancestors: readonly string[]; isCancelled: boolean }>;

/** One expression, or a text with one or none of them in it. @throws Error for a job that is not needed: GitHub gives nothing for it, silently */
export function evaluate(text: string, { inputs, needs, results, outputs, ancestors, isCancelled }: Seen): unknown {
  const expression = /^\$\{\{(?<inside>.*)\}\}$/su.exec(text)?.groups?.['inside'] ?? text;
  const known = (id: string): string => {
    if (!needs.includes(id)) throw new Error(`needs.${id} is used by a job that does not need it.`);
    return id;
  };
  const script = expression
    .replaceAll('needs.*.result', 'results')
    .replaceAll(/needs\.([\w-]+)\.result/gu, 'result("$1")')
    .replaceAll(/needs\.([\w-]+)\.outputs\.([\w-]+)/gu, 'output("$1", "$2")')
    .replaceAll(/inputs\.([\w-]+)/gu, 'inputs["$1"]');
  const names = {
    inputs, results: needs.map((id) => results[id]),
    result: (id: string) => results[known(id)],
    output: (id: string, name: string) => (results[known(id)] === 'skipped' ? NEVER_SET : outputs[id]?.[name] ?? ''),
    always: () => true, cancelled: () => isCancelled, failure: () => ancestors.some((id) => results[id] === 'failure'), success: () => !isCancelled && ancestors.every((id) => results[id] === 'success'),
    contains: (where: readonly unknown[], what: unknown) => where.includes(what), fromJSON: (json: string) => JSON.parse(json) as unknown,
  };
  return (compileFunction(`return (${script});`, Object.keys(names)) as (...values: readonly unknown[]) => unknown)(...Object.values(names));
}

export function ancestorsOf(jobs: Workflow['jobs'], id: string): readonly string[] {
  const found = new Set(needsOf(jobs[id] ?? {}));
  for (const one of found) for (const above of needsOf(jobs[one] ?? {})) found.add(above);
  return [...found];
}
