/** Source, target, versions, buckets and the approved plan. */
import { ACCOUNT, type MigrationWorld, SOURCE, TARGET } from '../support/world.js';
import type { Row } from './row.js';

const STRANGER = '444455556666';
export const OTHER_ACCOUNTS = [STRANGER];
const PROBLEM = { code: 'INCORRECT_CONFIGURATION', message: 'You may need to check the execution role permissions policy for your environment' };

type Status = Parameters<MigrationWorld['sandbox']['control']['holdStatus']>[1];
const holding = (name: string, status: Status, problem?: typeof PROBLEM): NonNullable<Row['prepare']> => ({ sandbox }) => {
  sandbox.control.holdStatus(name, status, problem);
  return () => sandbox.control.releaseStatus(name);
};
const target = (change: Readonly<Record<string, unknown>>) => ({ target: { environment: TARGET, region: 'eu-west-1', 'airflow-version': '2.10.3', ...change } });

export const ENVIRONMENTS: readonly Row[] = [
  {
    name: 'a source of another name', phase: 'plan', file: { source: { environment: 'analytcs', region: 'eu-west-1' } },
    what: ['There is no environment "analytcs" in eu-west-1 (did you mean "analytics"?).', 'There are: analytics, analytics-v2.'], why: ['a migration begins with the environment it moves from'], fix: ['correct source.environment or source.region'],
  },
  {
    name: 'the wrong region', phase: 'plan', file: { source: { environment: SOURCE, region: 'eu-west-2' } },
    what: ['There is no environment "analytics" in eu-west-2.', 'This account has no environment at all there.'], why: ['a migration begins with'], fix: ['correct source.environment or source.region', 'a role of the right account'],
  },
  ...(['plan', 'export'] as const).map((phase): Row => ({
    name: `a source that is UPDATING (${phase})`, phase, prepare: holding(SOURCE, 'UPDATING'),
    what: ['Source analytics is UPDATING: an update is under way, and tasks may be ended by it'], why: ['nothing can be exported from it now'], fix: ['wait until it is AVAILABLE'], report: ['UPDATING', 'nothing can be exported from it now', 'wait until it is AVAILABLE'],
  })),
  {
    name: 'a source that is CREATE_FAILED', phase: 'resources', prepare: holding(SOURCE, 'CREATE_FAILED', PROBLEM),
    what: ['Source analytics is CREATE_FAILED: it could not be created'], why: [PROBLEM.code, PROBLEM.message], fix: ['name an environment that runs in source.environment'],
  },
  ...(['plan', 'create'] as const).map((phase): Row => ({
    name: `a target that is CREATE_FAILED (${phase})`, phase, prepare: holding(TARGET, 'CREATE_FAILED', PROBLEM),
    what: ['Target analytics-v2 is CREATE_FAILED: it could not be created'], why: [PROBLEM.code, PROBLEM.message], fix: ['repair the cause, delete the environment, then run phase create again'], report: ['CREATE_FAILED', PROBLEM.message, 'delete the environment, then run phase create again'],
  })),
  {
    name: 'a version that MWAA never had', phase: 'plan', file: target({ 'airflow-version': '2.10.9' }),
    what: ['MWAA has no Airflow 2.10.9'], why: ['cannot be created'], fix: ['set target.airflow-version to one of', '2.10.3'], report: ['MWAA has no Airflow 2.10.9', 'set target.airflow-version to one of'],
  },
  {
    name: 'a move backwards', phase: 'resources', file: target({ 'airflow-version': '2.6.3' }),
    what: ["The target's Airflow 2.6.3 is older than the source's 2.7.2"], why: ['the older version cannot hold'], fix: ['set target.airflow-version to one of 2.7.2'],
  },
  {
    name: 'a target that runs something else', phase: 'create', file: target({ 'airflow-version': '2.10.1' }),
    what: ['Environment analytics-v2 runs Airflow 2.10.3, not 2.10.1'], why: ['made for something else'], fix: ['name another target.environment, or its version'],
  },
  {
    name: "a DAG folder that is the source's own", phase: 'resources', file: target({ prefix: '' }),
    what: ["The target's DAG folder dags overlaps the source's dags"], why: ['a change for one environment would change the other'], fix: ['give target.prefix another value'],
  },
  {
    name: 'a migration bucket of another account', phase: 'resources', file: { bucket: { name: 'mwaa-migration-taken' } },
    prepare: ({ sandbox }) => {
      if (!sandbox.s3.describeBucket('mwaa-migration-taken')) sandbox.s3.makeBucket({ name: 'mwaa-migration-taken', account: STRANGER, region: 'eu-west-1' });
      return undefined;
    },
    what: ['Bucket mwaa-migration-taken is not ours, or may not be looked at.'], why: [`refused it to account ${ACCOUNT}`, 'shared by all AWS accounts'], fix: ['name another bucket under "bucket.name"', 's3:ListBucket'],
  },
  {
    name: 'another plan than the approved one', phase: 'resources', inputs: { 'approved-plan': 'b'.repeat(64) },
    what: ['The plan is not the approved one: its digest is ', `approved is ${'b'.repeat(64)}`], why: ['changed after the approval', 'nothing was changed'], fix: ['run phase plan', 'give its plan-digest as approved-plan'],
  },
  ...(['import', 'cutover'] as const).map((phase): Row => ({
    name: `${phase} before anything has begun`, phase,
    what: ['Migration "analytics-to-analytics-v2" has not begun: there is no journal below s3://mwaa-migration-111122223333-eu-west-1/data/migration/2.7.2_to_2.10.3/analytics-to-analytics-v2/'],
    why: [`phase ${phase} goes on from what earlier phases recorded there`], fix: [phase === 'import' ? 'run phases resources, create and export first' : 'run phases resources, create, export and import first', 'the same migration file'],
  })),
];
