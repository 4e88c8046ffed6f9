/** What `act --json` printed, as a person would see it on GitHub: jobs, summaries, annotations, outputs, log. */

export type Annotation = Readonly<{ job: string; level: 'error' | 'warning' | 'notice'; title: string | undefined; file: string | undefined; line: string | undefined; text: string }>;

export type WorkflowRun = Readonly<{
  code: number | null;
  /** By job id. A skipped job is absent: act has no record of it. */
  jobs: Readonly<Record<string, 'success' | 'failure'>>;
  /** Markdown of all steps, by job id. Not masked by act. */
  summaries: Readonly<Record<string, string>>;
  annotations: readonly Annotation[];
  /** Outputs of the steps with an id of the workflow itself, not of those inside composites: `<job>.<step>.<output>`. */
  outputs: Readonly<Record<string, string>>;
  /** What its steps gave out, those inside composites too, by job id and name: what a further attempt keeps of a job that it does not run again. */
  stepOutputs: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Everything that the steps printed, masked, by job id. */
  logs: Readonly<Record<string, string>>;
  /** stdout and stderr as they are, for a failed test's message. */
  raw: string;
}>;

type ActRecord = Readonly<{ jobID?: string; jobResult?: string; command?: string; content?: string; kvPairs?: Readonly<Record<string, string>> | null; arg?: string; name?: string; stepID?: readonly string[]; raw_output?: boolean; msg?: string }>;

export function readRun(stdout: string, stderr: string, code: number | null): WorkflowRun {
  const records = stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as ActRecord);
  const jobs: Record<string, 'success' | 'failure'> = {}, summaries: Record<string, string> = {}, outputs: Record<string, string> = {}, logs: Record<string, string> = {}, stepOutputs: Record<string, Record<string, string>> = {};
  const annotations: Annotation[] = [];
  // What a composite's own step does is told twice: of the step inside, and of the step that uses it.
  const isOutermost = (stepID: readonly string[]): boolean => stepID.length <= 1;
  for (const { jobID: job = '', jobResult, command, content = '', kvPairs, arg = '', name = '', stepID = [], raw_output: isOutput = false, msg = '' } of records) {
    if (jobResult !== undefined) jobs[job] = jobResult === 'success' ? 'success' : 'failure';
    if (command === 'summary' && isOutermost(stepID)) summaries[job] = (summaries[job] ?? '') + content;
    if (command === 'error' || command === 'warning' || command === 'notice')
      annotations.push({ job, level: command, title: kvPairs?.['title'], file: kvPairs?.['file'], line: kvPairs?.['line'], text: arg });
    if (command === 'set-output' && isOutermost(stepID)) outputs[`${job}.${stepID[0] ?? ''}.${name}`] = arg;
    if (command === 'set-output') (stepOutputs[job] ??= {})[name] = arg;
    if (isOutput) logs[job] = `${logs[job] ?? ''}${msg}`;
  }
  return { code, jobs, summaries, annotations, outputs, stepOutputs, logs, raw: `${stdout}\n${stderr}` };
}
