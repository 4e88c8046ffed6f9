/** What became of the workflow's other jobs, from `toJSON(needs)`. It comes from outside and may be damaged; nothing of it is believed but its form. Pure. */

export type JobResult = 'success' | 'failure' | 'cancelled' | 'skipped';
/** `outputs` as GitHub hands them over: texts. */
export type JobSeen = Readonly<{ id: string; result: JobResult; outputs: Readonly<Record<string, string>> }>;
/** `problem`: why nothing is known of them, as the second half of a sentence. */
export type JobsSeen = Readonly<{ jobs: readonly JobSeen[]; planned: readonly string[] | undefined; problem: string | undefined }>;

/** GitHub's own limit for the outputs of all jobs of a run is 50 MB; ours hold names, digests and counts. */
const MAX_CHARACTERS = 4_000_000;
/** The workflow has 17 jobs. */
const MAX_JOBS = 100;
const MAX_OUTPUT = 100_000;
const RESULTS: readonly string[] = ['success', 'failure', 'cancelled', 'skipped'] satisfies readonly JobResult[];
/** https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_id */
const JOB_ID = /^[A-Za-z_][A-Za-z0-9_-]{0,99}$/u;

/** @param json undefined: phase status was not told of any jobs */
export function readJobs(json: string): JobsSeen {
  const nothing = (problem: string): JobsSeen => ({ jobs: [], planned: undefined, problem });
  if (json.length > MAX_CHARACTERS) return nothing(`input jobs has ${json.length} characters, which is more than the results of jobs are`);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return nothing('input jobs is no JSON; give it as toJSON(needs)');
  }
  if (!isRecord(value)) return nothing('input jobs is no JSON object; give it as toJSON(needs)');
  const entries = Object.entries(value);
  if (entries.length > MAX_JOBS) return nothing(`input jobs names ${entries.length} jobs; the workflow has fewer`);
  const jobs: JobSeen[] = [];
  for (const [id, seen] of entries) {
    if (!JOB_ID.test(id)) return nothing('input jobs names a job by what is no name of a job');
    if (!isRecord(seen) || typeof seen.result !== 'string' || !RESULTS.includes(seen.result)) return nothing(`input jobs does not say of job ${id} whether it succeeded`);
    jobs.push({ id, result: seen.result as JobResult, outputs: texts(seen.outputs) });
  }
  return { jobs, planned: plannedOf(jobs.find(({ id }) => id === 'start')?.outputs['jobs']), problem: undefined };
}

/** The list that job start gave: a job that is not in it was never meant to run. undefined: start gave none. */
function plannedOf(list: string | undefined): readonly string[] | undefined {
  if (list === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(list);
    return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string' && JOB_ID.test(one)).slice(0, MAX_JOBS) : undefined;
  } catch {
    return undefined; // Then a skipped job is shown as skipped, without the reason.
  }
}

const texts = (outputs: unknown): Readonly<Record<string, string>> =>
  isRecord(outputs) ? Object.fromEntries(Object.entries(outputs).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1].length <= MAX_OUTPUT)) : {};
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
