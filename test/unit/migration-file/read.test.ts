import { describe, expect, it } from '@jest/globals';
import { readMigrationFile } from '../../../src/migration-file/read.js';

const SMALL = 'source: { environment: analytics, region: eu-west-1 }\ntarget: { environment: analytics-v2, airflow-version: 2.10.3 }\n';
const mistakes = (text: string): string => {
  try {
    readMigrationFile(text, 'm.yml');
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
};

describe('readMigrationFile', () => {
  it('fills in the defaults of the design', () => {
    expect(readMigrationFile(SMALL, 'm.yml')).toEqual({
      id: 'analytics-to-analytics-v2',
      source: { environment: 'analytics', region: 'eu-west-1' },
      target: { environment: 'analytics-v2', region: 'eu-west-1', airflowVersion: '2.10.3', configuration: {}, executionRole: 'clone', environmentOverrides: {}, bucket: undefined, prefix: 'analytics-v2/', create: 'mwaa-migrate' },
      resources: { from: 'source', dags: 'dags', isDagsNamed: false },
      metadata: { historyDays: 'all', auditLogDays: 30, dags: { include: [], exclude: [] }, xcom: true, xcomMaxBytes: null, jobs: false, taskReschedule: false, variables: true, connections: true, onConflict: { variables: 'keep', connections: 'keep', pools: 'keep' } },
      logs: { tasks: 'none', maxDays: 3 },
      drain: { timeoutMinutes: 60, taskMinutes: 30, leftover: 'resume', resumeDeferred: false },
      cutover: { canary: [], canaryMinutes: 60, batchSize: 100, batchPauseSeconds: 15, missedIntervals: 'report' },
      approvers: [],
      bucket: { name: 'mwaa-migration-{account}-{region}', kmsKey: undefined },
    });
  });

  it('reads every key that this release does', () => {
    const file = readMigrationFile(`id: m-1
source: { environment: a, region: us-gov-west-1 }
target:
  environment: b
  region: eu-west-1
  airflow-version: "2.9.2"
  configuration: { core.parallelism: "32", webserver.x: null }
  execution-role: arn:aws:iam::111122223333:role/x
  environment-overrides: { EnvironmentClass: mw1.medium, MaxWorkers: 5 }
  bucket: other-bucket
  prefix: team/b/
  create: external
metadata: { history-days: 0, audit-log-days: all, dags: { exclude: [tmp_*] }, xcom: false, xcom-max-bytes: 7, jobs: true, task-reschedule: true, variables: false, connections: false, on-conflict: { connections: replace } }
drain: { timeout-minutes: 0, task-minutes: 1, leftover: abort }
cutover: { canary: [nightly] }
bucket: { name: "b-{account}", kms-key: "arn:aws:kms:eu-west-1:111122223333:key/k" }
`, 'm.yml');
    expect(file.target).toMatchObject({ configuration: { 'core.parallelism': '32', 'webserver.x': null }, environmentOverrides: { EnvironmentClass: 'mw1.medium', MaxWorkers: 5 }, prefix: 'team/b/', create: 'external' });
    expect(file.metadata).toEqual({ historyDays: 0, auditLogDays: 'all', dags: { include: [], exclude: ['tmp_*'] }, xcom: false, xcomMaxBytes: 7, jobs: true, taskReschedule: true, variables: false, connections: false, onConflict: { variables: 'keep', connections: 'replace', pools: 'keep' } });
    expect([file.drain.timeoutMinutes, file.cutover.canary, file.bucket.kmsKey]).toEqual([0, ['nightly'], 'arn:aws:kms:eu-west-1:111122223333:key/k']);
  });

  it('takes Airflow 3 as a target: plan and check show the way there', () => expect(readMigrationFile(SMALL.replace('2.10.3', '3.3.1'), 'm.yml').target.airflowVersion).toBe('3.3.1'));

  it.each([
    ['a wrong key, with the nearest one', 'source: { enviroment: a, region: eu-west-1 }\ntarget: { environment: b, airflow-version: 2.10.3 }', 'm.yml:1:11: unknown key "enviroment" in source (did you mean "environment"?); allowed: environment, region'],
    ['an unknown block', `${SMALL}bogus: 1\n`, 'm.yml:3:1: unknown key "bogus"; allowed: id, source, target'],
    ['a missing key', 'source: { environment: a, region: eu-west-1 }\ntarget: { environment: b }', 'target.airflow-version is missing'],
    ['a version that YAML reads as a number', 'source: { environment: a, region: eu-west-1 }\ntarget: { environment: b, airflow-version: 2.10 }', 'm.yml:2:44: target.airflow-version: 2.1 is not allowed as a number: put it in quotes'],
    ['a word that is none', `${SMALL}drain: { leftover: resum }\n`, 'm.yml:3:20: drain.leftover: "resum" is not allowed (did you mean "resume"?); allowed: resume, fail, abort'],
    ['a policy that is none', `${SMALL}metadata: { on-conflict: { pools: merge } }\n`, 'm.yml:3:35: metadata.on-conflict.pools: "merge" is not allowed; allowed: keep, replace'],
    ['a wrong type', `${SMALL}metadata: { history-days: lots }\n`, 'metadata.history-days: "lots" is not allowed; allowed: all or a whole number from 0 to 36500'],
    ['broken YAML', 'source: [a\nb: 1', 'm.yml:2:1:'],
    ['a key twice', 'id: a\nid: b\n', 'm.yml:2:1: this is no YAML: Map keys must be unique'],
    ['an empty file', '', 'the file is empty'],
    ['the source as its own target', 'source: { environment: a, region: eu-west-1 }\ntarget: { environment: a, airflow-version: 2.10.3 }', 'it is the source itself'],
    ['Airflow 1', 'source: { environment: a, region: eu-west-1 }\ntarget: { environment: b, airflow-version: 1.10.12 }', 'm.yml:2:27: target.airflow-version: 1.10.12 cannot be created'],
    ['a self-managed source', 'source: { environment: a, region: eu-west-1, self-managed: {} }\ntarget: { environment: b, airflow-version: 2.10.3 }', 'source.self-managed is not part of this release'],
    ['the log copy', `${SMALL}logs: { tasks: failed }\n`, '"failed" is not part of this release; allowed: none'],
    ['resources of the repository', `${SMALL}resources: { from: repository }\n`, '"repository" is not part of this release'],
  ])('refuses %s', (_, text, expected) => expect(mistakes(text)).toContain(expected));

  it('names all mistakes in the order of the file', () => {
    const message = mistakes('source: { environment: 1, region: eu-west-1 }\ntarget: { environment: b, airflow-version: x }\nxcom: 1\n');
    expect(message).toContain('3 mistakes');
    expect(message.indexOf('m.yml:1:')).toBeLessThan(message.indexOf('m.yml:2:'));
    expect(message.indexOf('m.yml:2:')).toBeLessThan(message.indexOf('m.yml:3:'));
  });

  it('never shows the value of an Airflow option', () => {
    const message = mistakes(`source: { environment: a, region: eu-west-1 }\ntarget: { environment: b, airflow-version: 2.10.3, configuration: { smtp.smtp_password: 48151623, celery.broker: [canary-1] } }`);
    expect(message).toContain('target.configuration.smtp.smtp_password');
    expect(message).not.toMatch(/48151623|canary-1/u);
  });
});
