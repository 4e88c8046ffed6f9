/** Inputs → migration file → wiring → phase → outputs and summary. */
import { appendFile } from 'node:fs/promises';
import * as core from '@actions/core';
import { systemClock, systemTicker } from './clock.js';
import { InternalError, UserError, describeFailure } from './errors.js';
import { readWorkspaceFile } from './gateways/workspace-file.js';
import { claimedPhase, readInputs, type Inputs, type Phase } from './inputs.js';
import { OUTPUT_NAMES } from './interface.js';
import { actionsLog } from './log.js';
import { readMigrationFile } from './migration-file/read.js';
import { phases } from './phases/index.js';
import { requireRoad } from './plan/road.js';
import type { PhaseResult } from './ports.js';
import { removeReport, reportFilesOf, writePageFile, writeReport, type ReportFiles } from './report-files.js';
import { failureHtml, failureSummary, fitSummary, headline } from './step-summary.js';
import { stopping } from './stopping.js';
import { wire, type Env } from './wiring.js';

export type Start = Readonly<{
  /** MWAA_INPUTS, the one place inputs come from. */
  inputs: string | undefined;
  env: Env;
  /** Folder of the running index file. */
  home: string;
}>;

/** @throws what ends the step red; the summary has been written by then */
export async function main({ inputs: json, env, home }: Start): Promise<void> {
  const claimed = claimedPhase(json);
  const files = claimed && reportFilesOf(claimed, env);
  let inputs: Inputs | undefined;
  try {
    if (files) await removeReport(files);
    inputs = readInputs(json);
    const result = await runPhase(inputs, env, home);
    await publish(inputs.phase, result, env);
    if (!result.ok) throw new PhaseNotOk(result.failure ?? `Phase ${inputs.phase} ended with findings; its summary lists them.`);
  } catch (error) {
    // A phase that is not ok has written a summary and a report of its own, which say more.
    if (!(error instanceof PhaseNotOk)) await publishFailure(inputs?.phase, files, describeFailure(error), env);
    throw error;
  }
}

/** Nothing was thrown, but the step must end red: differences, blockers. */
class PhaseNotOk extends UserError {
  constructor(failure: NonNullable<PhaseResult['failure']>) {
    const { what, why, fix } = typeof failure === 'string' ? { what: failure, why: 'going on would build on something that is not as it should be.', fix: 'repair what is listed, and run the phase again.' } : failure;
    super(what, why, `${fix} The report shows everything.`);
  }
}

async function runPhase(inputs: Inputs, env: Env, home: string): Promise<PhaseResult> {
  const phase = phases[inputs.phase];
  if (!phase) throw notYet(inputs.phase);
  const text = await readWorkspaceFile(env['GITHUB_WORKSPACE'] || process.cwd(), inputs.config, 'config');
  const file = readMigrationFile(text, inputs.config);
  requireRoad(inputs.phase, file.target.airflowVersion);
  const { context, close } = wire({ inputs, file, env, home, clock: systemClock, ticker: systemTicker, log: actionsLog });
  core.info(`Migration "${file.id}", phase ${inputs.phase}: "${file.source.environment}" (${file.source.region}) to "${file.target.environment}" (${file.target.region}, Airflow ${file.target.airflowVersion}).`);
  const endStopping = stopping(process, close, inputs.phase);
  try {
    return await phase(context);
  } finally {
    endStopping();
    await close();
  }
}

const notYet = (phase: Phase): UserError =>
  new UserError(
    `Phase "${phase}" is not part of this release.`,
    'doing nothing and ending green would look like done.',
    `use one of ${Object.keys(phases).join(', ')}, or leave the step out.`,
  );

async function publish(phase: Phase, result: PhaseResult, env: Env): Promise<void> {
  const unknown = Object.keys(result.outputs).filter((name) => !OUTPUT_NAMES.some((known) => known === name));
  if (unknown.length > 0) throw new InternalError(`Phase ${phase} gave outputs that action.yml does not have: ${unknown.join(', ')}.`);
  const files = reportFilesOf(phase, env);
  await writeReport(files, { markdown: result.summary, html: result.html, json: result.document?.text });
  if (result.document) core.setOutput(result.document.output, files.json);
  if (result.page !== undefined) core.setOutput('page', await writePageFile(result.page, env));
  for (const [name, value] of Object.entries({ ...result.outputs, report: files.markdown })) core.setOutput(name, value);
  core.info(`${headline(result.summary)}\nReport: ${files.markdown}`);
  await writeSummary(result.summary, env);
}

/** @param files undefined where the inputs name no phase: there is nobody's report to write then */
async function publishFailure(phase: Phase | undefined, files: ReportFiles | undefined, text: string, env: Env): Promise<void> {
  const summary = failureSummary(phase, text);
  try {
    if (files) {
      await writeReport(files, { markdown: summary, html: failureHtml(phase, text) });
      core.setOutput('report', files.markdown);
      core.info(`Report: ${files.markdown}`);
    }
  } catch (error) {
    // It must not hide the error that is on its way.
    core.warning(`The report was not written: ${error instanceof Error ? error.message : 'no reason given'}`);
  }
  await writeSummary(summary, env);
}

/** Without the variable there is no summary to write to: run by hand, the log and the report are all. */
async function writeSummary(markdown: string, env: Env): Promise<void> {
  const file = env['GITHUB_STEP_SUMMARY'];
  if (!file) return;
  try {
    await appendFile(file, `${fitSummary(markdown)}\n`);
  } catch (error) {
    // A summary that cannot be written must not turn a migration red, nor hide the error that is on its way.
    core.warning(`The job summary was not written: ${error instanceof Error ? error.message : 'no reason given'}`);
  }
}
