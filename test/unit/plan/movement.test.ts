import { describe, expect, it } from '@jest/globals';
import { TABLES } from '../../../src/metadata/catalogue.js';
import { movementOf } from '../../../src/plan/movement.js';
import { aMigrationFile } from '../../builders/values.js';

const of = (from: string, metadata = {}) => movementOf(TABLES, aMigrationFile({ metadata }).metadata, from);
const fateOf = (name: string, ...given: Parameters<typeof of>) => of(...given).find(({ tables }) => tables.includes(name));

describe('what moves and what does not', () => {
  it('names every table of the catalogue exactly once', () => {
    const named = of('2.10.3').flatMap(({ tables }) => tables);
    for (const { name } of TABLES) expect(named.filter((one) => one === name)).toEqual([name]);
    expect(new Set(named).size).toBe(named.length);
  });

  it('does not name a table that the source\'s Airflow has not', () => {
    const named = of('1.10.12').flatMap(({ tables }) => tables);
    for (const name of ['dataset_event', 'task_map', 'trigger', 'task_instance_history', 'dag_run_note', 'log_template']) expect(named).not.toContain(name);
    expect(named).toEqual(expect.arrayContaining(['dag_run', 'variable', 'connection', 'dag']));
  });

  it.each([
    ['xcom', { xcom: true }, 'moves', 'XComs'], ['xcom', { xcom: false }, 'stays', 'metadata.xcom: false'], ['variable', { variables: false }, 'stays', 'metadata.variables: false'],
    ['log', { auditLogDays: 0 }, 'stays', 'metadata.audit-log-days: 0'], ['log', { auditLogDays: 7 }, 'moves', 'of the last 7 days'], ['log', { auditLogDays: 'all' }, 'moves', 'the audit log'],
    ['dag_run', { historyDays: 30 }, 'moves', 'of the last 30 days, and what the next runs need'], ['serialized_dag', {}, 'fills itself', 'from its DAG files'],
    ['dag_run', { historyDays: 30, dags: { include: ['etl_*', 'a'], exclude: ['*tmp'] } }, 'moves', 'of DAGs that fit etl_*, a and that do not fit *tmp; of the last 30 days'],
    ['xcom', { xcomMaxBytes: 1000 }, 'moves', 'values up to 1000 bytes, and all of runs in flight'], ['task_instance_history', {}, 'moves', 'earlier tries'],
    ['job', {}, 'stays', 'metadata.jobs: false'], ['job', { jobs: true }, 'moves', 'processes'], ['task_reschedule', {}, 'stays', 'metadata.task-reschedule: false'], ['connection', {}, 'stays', 'metadata.connections: false'], ['connection', { connections: true }, 'moves', 'connections, encrypted on the way'],
  ] as const)('%s with %j %s', (name, metadata, fate, why) => expect(fateOf(name, '2.10.3', metadata)).toEqual({ tables: expect.arrayContaining([name]), fate, why: expect.stringContaining(why) }));

  it('a table that the catalogue gets one day is no longer said to stay', () =>
    expect(movementOf([{ name: 'log_template', option: 'history' }], aMigrationFile({}).metadata, '2.10.3').filter(({ tables }) => tables.includes('log_template'))).toEqual([{ tables: ['log_template'], fate: 'moves', why: 'log_template' }]));
});
