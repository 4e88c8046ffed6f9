import { expect, it } from '@jest/globals';
import { recipeFor } from '../../../src/check/airflow-recipe.js';
import { effectiveOptions } from '../../../src/check/effective-options.js';
import { releaseOfSource, versionOfSource } from '../../../src/check/source-release.js';
import { aMigrationFile } from '../../builders/values.js';

it.each([
  { source: '2.7.2', is: { kind: 'install', version: '2.7.2', python: '3.11', note: undefined }, because: 'MWAA has it' },
  { source: '2.2.2', is: { kind: 'install', version: '2.2.2', python: '3.7', note: undefined }, because: 'MWAA had it' },
  { source: '1.10.12', is: { kind: 'install', version: '1.10.15', python: '3.7', note: expect.stringContaining('1.10.15') }, because: 'uv reads no other release of 1.10' },
  { source: '1.10.15', is: { kind: 'install', version: '1.10.15', note: undefined }, because: 'it is that release itself' },
  { source: '2.9.3', is: { kind: 'install', version: '2.9.2', note: expect.stringContaining('2.9.2') }, because: 'the nearest of the same minor release' },
  { source: '2.10.2', is: { kind: 'install', version: '2.10.1' }, because: 'the nearest older one first' },
  { source: '2.10.0', is: { kind: 'install', version: '2.10.1' }, because: 'there is no older one' },
  { source: '3.3.0', is: { kind: 'none', why: expect.stringContaining("the target's own") }, because: 'one side cannot be compared with itself' },
  { source: '2.1.4', is: { kind: 'none', why: expect.stringContaining('never had Airflow 2.1.4') }, because: 'no release of that minor was on MWAA' },
  { source: '2.100.0', is: { kind: 'none' }, because: '2.10 is another minor release' },
  { source: '3.3.1', is: { kind: 'same' }, because: 'nothing changes' },
  { source: undefined, is: { kind: 'none', why: undefined }, because: 'the report says already that nobody knows it' },
])('for $source: $because', ({ source, is }) => expect(releaseOfSource(source, '3.3.1')).toMatchObject(is));

it.each([
  { named: undefined, constraint: '2.7.2', is: '2.7.2', because: 'the requirements are still those of the source' },
  { named: undefined, constraint: '3.3.1', is: undefined, because: 'requirements written for the target say nothing of the source' },
  { named: '2.7.2', constraint: '3.3.1', is: '2.7.2', because: 'the migration file says it' },
  { named: '3.3.1', constraint: '2.7.2', is: '3.3.1', because: 'the migration file says that nothing changes' },
])('takes $is where the file names $named and the constraints are of $constraint: $because', ({ named, constraint, is }) => expect(versionOfSource(named, constraint, '3.3.1')).toBe(is));

it('builds packages of old releases with a setuptools that they know, and no others', () => {
  expect(recipeFor('2.0.2')).toMatchObject({ buildConstraints: 'setuptools<58\n', packages: ['apache-airflow[amazon,celery,postgres,statsd]==2.0.2'] });
  expect(recipeFor('2.10.3').buildConstraints).toBeUndefined();
  expect(recipeFor('1.10.15').constraints).toContain('apache-airflow==1.10.15\n');
  expect(recipeFor('3.3.1').packages).toContain('apache-airflow-providers-fab');
});

it('loads on the target with what the plan will set, unless the file says otherwise', () => {
  const set = { 'scheduler.create_cron_data_intervals': 'True', 'scheduler.create_delta_data_intervals': 'True', 'scheduler.catchup_by_default': 'True' };
  const to = (airflowVersion: string, configuration: Readonly<Record<string, string | null>>) => { const file = aMigrationFile(); return { target: { ...file.target, airflowVersion, configuration } }; };
  expect(effectiveOptions('2.7.2', to('3.3.1', { 'core.parallelism': '4' }))).toEqual({ ...set, 'core.parallelism': '4' });
  expect(effectiveOptions('2.7.2', to('3.3.1', { 'scheduler.create_cron_data_intervals': 'False', 'scheduler.catchup_by_default': null }))).toEqual({ 'scheduler.create_cron_data_intervals': 'False', 'scheduler.create_delta_data_intervals': 'True' });
  expect(effectiveOptions('2.7.2', to('2.10.3', {}))).toEqual({});
  expect(effectiveOptions('3.0.6', to('3.3.1', {}))).toEqual({});
  expect(effectiveOptions(undefined, to('3.3.1', {}))).toEqual({});
});
