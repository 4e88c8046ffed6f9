/** What the plan would do: the road, what moves, how long it takes, and the details of the environment. */
import type { MigrationFile } from '../migration-file/migration-file.js';
import type { Range } from '../plan/estimates.js';
import { cloudFormation, terraform } from '../plan/infrastructure.js';
import type { Plan } from '../plan/plan.js';
import { code, grouped, listing, table, text, type Section, type Text } from './document.js';
import { onConflictInWords } from './settings.js';

export function roadSection({ legs, decisions }: Pick<Plan, 'legs' | 'decisions'>): Section {
  const { landing, upgrades } = decisions.road;
  const by = upgrades.length === 0 ? `directly to Airflow ${landing}` : `by Airflow ${landing}, then ${upgrades.map(({ version }) => version).join(', ')} in place`;
  return { title: `The road: ${by}`, importance: 1, blocks: [table(['Phase', 'What it does'], legs.map(({ phase, what }) => [phase, what]))] };
}

/** Where a step in place follows, the environment speaks two versions' names one after the other. */
export function upgradeSections({ decisions }: Pick<Plan, 'decisions'>): readonly Section[] {
  return decisions.road.upgrades.map(({ version, options, constraint }) => ({
    title: `Sent with the step to Airflow ${version} (${grouped(Object.keys(options).length)} options)`, importance: 2, isFolded: true,
    blocks: [
      text('Until then the environment runs on ', code(decisions.road.landing), ' with that version\'s names, as the code of the target shows.'),
      ...(constraint === undefined ? [] : [text('Constraint line: ', code(constraint))]),
      table(['Option', 'Value'], Object.entries(options).map(([option, value]) => [code(option), code(value)])),
    ],
  }));
}

export function estimateSection({ estimates: of }: Pick<Plan, 'estimates'>): Section {
  const unknown = 'unknown: what it rests on could not be counted';
  return {
    title: of.pauseMinutes === undefined ? 'How long it takes: unknown' : `How long it takes: the source stands still for ${minutes(of.pauseMinutes)}`, importance: 1,
    blocks: [
      table(['What', 'About'], [
        ['Rows', of.rows ? range(of.rows) : unknown], ['Compressed', of.bytes ? bytes(of.bytes) : unknown],
        ['Drain: running work may end', minutes(of.drainMinutes)], ['Export', of.exportMinutes ? minutes(of.exportMinutes) : unknown], ['Import', of.importMinutes ? minutes(of.importMinutes) : unknown],
        ['Pause, with the starts of our DAG', of.pauseMinutes ? minutes(of.pauseMinutes) : unknown],
        ['AWS: create the environment, before the pause', minutes(of.createMinutes)],
        ...(of.upgradeMinutes ? [['AWS: the step in place, inside the pause', minutes(of.upgradeMinutes)] as const] : []),
      ]),
      text('From the numbers above and the factors of docs/reference/benchmarks.md; an environment with little memory is nearer to the upper end. The drain ends as soon as nothing runs any more. Approvals come on top where they wait inside the pause.'),
    ],
  };
}

const FATES = { moves: 'moves', 'fills itself': 'fills itself', stays: 'left out' } as const;

export function movementSection({ movement }: Pick<Plan, 'movement'>): Section {
  const count = (fate: keyof typeof FATES) => movement.filter((one) => one.fate === fate).reduce((all, { tables }) => all + tables.length, 0);
  return {
    title: `What moves and what does not (${count('moves')} tables move, ${count('stays')} are left out)`, importance: 2, isFolded: true,
    blocks: [
      table(['Table', '', 'What it is, and why'], movement.map(({ tables, fate, why }) => [tables.flatMap((name, at) => [at > 0 ? ', ' : '', code(name)]), FATES[fate], why])),
      text('Rows of our own DAGs are left out everywhere. The rehearsal counts every row that moves and every one that stays; task logs stay in the source\'s log groups.'),
    ],
  };
}

export function doneSection({ decisions }: Pick<Plan, 'decisions'>, file: MigrationFile): Section {
  const { resources, environment, executionRole, migration } = decisions;
  return {
    title: 'What will be done', importance: 1, blocks: [table(['What', 'How'], [
      ['DAGs, plugins, requirements', ['from ', code(`s3://${resources.source.bucket}/${resources.source.dags}`), ' to ', code(`s3://${resources.target.bucket}/${resources.target.dags}`)]],
      ['Constraint line', resources.constraint ? code(resources.constraint) : 'the source has no requirements.txt'],
      ['Execution role', executionRole.kind === 'clone' ? ['cloned as ', code(executionRole.name)] : code(executionRole.arn)],
      ['Environment', environment.create === 'external' ? 'created by your infrastructure code; this action waits and compares' : ['created in ', code(environment.region), ', account ', code(environment.account), ' on Airflow ', code(decisions.road.landing)]],
      ['Migration bucket', code(`s3://${migration.bucket}/${migration.prefix}`)],
      ['History', `${days(file.metadata.historyDays)}; audit log ${days(file.metadata.auditLogDays)}`],
      ['XComs, variables, connections', `${yes(file.metadata.xcom)}, ${yes(file.metadata.variables)}, ${yes(file.metadata.connections)}`],
      ['Settings that the target has too', onConflictInWords(file.metadata.onConflict)],
      ['Drain', `up to ${file.drain.timeoutMinutes} minutes for runs, ${file.drain.taskMinutes} more for tasks, then ${file.drain.leftover}`],
    ])],
  };
}

/** For whoever keeps environments as code; with target.create: external, phase create waits for that one and compares. */
export const codeSections = ({ decisions }: Pick<Plan, 'decisions'>): readonly Section[] => {
  const { create, fields } = decisions.environment;
  return [
    { title: `The target as CloudFormation${create === 'external' ? ', to be deployed by you' : ''}`, importance: 3, isFolded: true, blocks: [listing('yaml', cloudFormation(fields))] },
    { title: `The target as Terraform${create === 'external' ? ', to be applied by you' : ''}`, importance: 3, isFolded: true, blocks: [listing('hcl', terraform(fields))] },
  ];
};

/** Three figures are more than anybody can know here. */
const rough = (value: number): number => (value < 1000 ? value : Number(value.toPrecision(2)));
const range = ({ from, to }: Range): Text => (rough(from) === rough(to) ? grouped(rough(from)) : `${grouped(rough(from))} to ${grouped(rough(to))}`);
const minutes = ({ from, to }: Range): string => (from === to ? `${grouped(from)} minutes` : `${grouped(from)} to ${grouped(to)} minutes`);
const MIB = 1024 * 1024;
const bytes = ({ from, to }: Range): string => (to < MIB ? 'less than 1 MiB' : `${grouped(rough(Math.round(from / MIB)))} to ${grouped(rough(Math.ceil(to / MIB)))} MiB`);
const days = (value: number | 'all') => (value === 'all' ? 'all of it' : `the last ${value} days`);
const yes = (value: boolean) => (value ? 'yes' : 'no');
