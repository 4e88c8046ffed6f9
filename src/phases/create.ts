import { UserError } from '../errors.js';
import { finishedPhase, finishPhase } from '../journal/transitions.js';
import type { Journal } from '../journal/journal.js';
import { HIDDEN } from '../airflow/visible-options.js';
import { otherPlace } from '../plan/blockers.js';
import { executionRoleArn } from '../plan/build.js';
import { describeDifferences, type Difference } from '../plan/difference.js';
import { createFields, type Placement } from '../plan/environment-fields.js';
import { placementOf } from '../plan/placement.js';
import { stateOf } from '../plan/states.js';
import { targetDifferences } from '../plan/target-differences.js';
import type { Context, EnvironmentDescription, PhaseResult } from '../ports.js';
import { createReport } from '../report/create-report.js';
import { awaitEnvironment } from './await-environment.js';
import { ensureExecutionRole, type ExecutionRole } from './execution-role.js';
import { inMigration, lookAtMigration } from './migration.js';
import { resultOf } from './result.js';
import { survey, type Survey } from './survey.js';

export type CreateContext = Pick<Context, 'inputs' | 'file' | 'clock' | 'log' | 'plan' | 'source' | 'target' | 'journal' | 'owner'>;

/** IAM tells all of its servers of a new role within seconds, sometimes a minute: until then MWAA refuses it. */
const ROLE_TRIES = 6, ROLE_WAIT_MS = 10_000;

/** Recorded in place of the role's outcome: the environment was there when this phase looked first. */
const FOUND = 'found';

/** Execution role, then the environment; waits until it can be used. Safe to repeat in every state. */
export async function createEnvironment(context: CreateContext): Promise<PhaseResult> {
  const { inputs, file, log } = context;
  const seen = await survey(context);
  const isExternal = file.target.create === 'external';
  if (inputs.dryRun) {
    const { journal } = await lookAtMigration(context, seen);
    return dryResult(context, seen, journal);
  }
  // Before the migration bucket and the journal are made: a refusal leaves nothing behind.
  if (!isExternal && seen.target === undefined) pinnedPlacement(seen, context, (await lookAtMigration(context, seen)).journal);
  return await inMigration(context, seen, 'may-begin', async ({ journal }) => {
    let role: ExecutionRole | undefined, wasAbsent = false;
    if (!isExternal && seen.target === undefined) {
      wasAbsent = true;
      const placement = pinnedPlacement(seen, context, journal.current);
      role = await ensureExecutionRole(context, seen);
      await startCreation(context, createFields(seen.source, file, placement, role.arn), role);
      log.info(`Asked MWAA to create ${file.target.environment}; that usually takes 20 to 40 minutes.`);
    }
    const target = await awaitEnvironment(context, context.target.mwaa, file.target.environment, isExternal ? 'wait' : wasAbsent ? 'wait' : 'refuse');
    requireVersion(target, file.target.airflowVersion);
    const found = compare(seen, context, journal.current, target);
    requirePlace(target, placementOf(seen.source, file));
    if (found.length > 0) log.warn(`${target.Name} is not quite as planned:\n    ${describeDifferences(found)}`);
    const before = finishedPhase(journal.current, 'create')?.data?.role;
    await journal.update((current) => finishPhase(current, {
      phase: 'create', at: context.clock.now().toISOString(), by: context.owner,
      data: { arn: target.Arn, executionRole: target.ExecutionRoleArn, role: role?.outcome ?? before ?? FOUND },
    }));
    const report = createReport({ name: target.Name, version: target.AirflowVersion, status: target.Status, meaning: stateOf(target.Status).meaning, executionRole: target.ExecutionRoleArn, isExternal, ...(wasAbsent ? { hiddenOptions: hiddenOptionsOf(seen) } : {}), createdBy: wasAbsent ? 'this-run' : before !== undefined && before !== FOUND ? 'earlier-run' : 'unknown', role, differences: found });
    return resultOf(`mwaa-migrate: environment of ${file.id}`, report, outputsOf(context, seen, target));
  });
}

/** The placement with the versions that phase resources recorded. */
function pinnedPlacement(seen: Survey, { file }: Pick<CreateContext, 'file'>, journal: Journal | undefined): Placement {
  const placement = placementOf(seen.source, file);
  const copied = journal && finishedPhase(journal, 'resources')?.data;
  if (!copied) throw new UserError(`Phase resources has not finished for migration "${file.id}".`, 'the new environment must be told which versions of plugins, requirements and startup script it runs on, and find its DAGs.', 'run phase resources first.');
  const pin = (name: 'plugins' | 'requirements' | 'startupScript') => {
    const version = copied[name];
    return placement[name] && typeof version === 'string' ? { path: placement[name].path, version } : undefined;
  };
  return { ...placement, plugins: pin('plugins'), requirements: pin('requirements'), startupScript: pin('startupScript') };
}

async function startCreation({ clock, log, target }: CreateContext, fields: Readonly<Record<string, unknown>>, role: ExecutionRole): Promise<void> {
  for (let number = 1; ; number++) {
    try {
      return await target.mwaa.create(fields);
    } catch (error) {
      const isFresh = role.outcome === 'created' || role.outcome === 'completed';
      if (!(error instanceof UserError) || !isFresh || number === ROLE_TRIES || !/\brole\b|assume/i.test(error.message)) throw error;
      log.info(`MWAA does not know the new role yet; trying again (${number + 1} of ${ROLE_TRIES}).`);
      await clock.sleep(ROLE_WAIT_MS);
    }
  }
}

/** Against what would be sent now, with the versions that phase resources has written. */
function compare(seen: Survey, { file }: CreateContext, journal: Journal, target: EnvironmentDescription): readonly Difference[] {
  const copied = finishedPhase(journal, 'resources') ? pinnedPlacement(seen, { file }, journal) : placementOf(seen.source, file);
  const wanted = createFields(seen.source, file, copied, executionRoleArn({ file, source: seen.source, targetAccount: seen.targetAccount }));
  return targetDifferences(wanted, target, file.target);
}

const hiddenOptionsOf = ({ plan }: Survey): readonly string[] =>
  Object.entries((plan.decisions.environment.fields.AirflowConfigurationOptions ?? {}) as Readonly<Record<string, string>>).filter(([, value]) => value === HIDDEN).map(([option]) => option);

function requireVersion(target: EnvironmentDescription, wanted: string): void {
  if (target.AirflowVersion === wanted) return;
  throw new UserError(`Environment ${target.Name} runs Airflow ${target.AirflowVersion}, not ${wanted}.`, 'it was made for something else.', 'name another target.environment, or its version, in the migration file.');
}

/** The plan has looked already; an environment that appeared since is looked at here. */
function requirePlace(target: EnvironmentDescription, wanted: Placement): void {
  const found = otherPlace(target, wanted);
  if (found) throw new UserError(found.what, `${found.why}.`, `${found.fix}.`);
}

const outputsOf = ({ file }: CreateContext, seen: Survey, target: EnvironmentDescription | undefined): Readonly<Record<string, string>> => ({
  'migration-id': file.id,
  'plan-digest': seen.plan.digest,
  'target-environment': file.target.environment,
  ...(target?.WebserverUrl ? { 'target-webserver-url': target.WebserverUrl } : {}),
});

function dryResult(context: CreateContext, seen: Survey, journal: Journal | undefined): PhaseResult {
  const { file } = context;
  const { target } = seen;
  const report = createReport({
    name: file.target.environment, version: file.target.airflowVersion, status: target?.Status ?? 'absent', meaning: target ? stateOf(target.Status).meaning : 'it does not exist yet',
    executionRole: target?.ExecutionRoleArn ?? executionRoleArn({ file, source: seen.source, targetAccount: seen.targetAccount }),
    isExternal: file.target.create === 'external', createdBy: target ? 'unknown' : 'nobody-yet', role: undefined, isDry: true,
    differences: target && journal ? compare(seen, context, journal, target) : [],
    fields: target ? undefined : seen.plan.decisions.environment.fields,
    ...(target ? {} : { hiddenOptions: hiddenOptionsOf(seen) }),
  });
  return resultOf(`mwaa-migrate: environment of ${file.id} (dry run)`, report, outputsOf(context, seen, target));
}
