import { describe, expect, it } from '@jest/globals';
import { constraintsUrl } from '../../../src/airflow/constraints.js';
import { isOwnDagFile, isOwnDagId } from '../../../src/airflow/own-dags.js';
import { compareVersions, findVersion, isAtLeast, MWAA_VERSIONS } from '../../../src/airflow/versions.js';
import { visibleValue } from '../../../src/airflow/visible-options.js';

describe('Airflow versions', () => {
  it.each([
    { a: '2.9.2', b: '2.10.3', sign: -1, because: 'numbers, not letters' }, { a: '2.10.3', b: '2.10.3', sign: 0, because: 'equal' }, { a: '2.10', b: '2.10.0', sign: 0, because: 'a missing number is 0' }, { a: '3.0.6', b: '2.11.2', sign: 1, because: 'major first' },
  ])('$a against $b: $because', ({ a, b, sign }) => expect(Math.sign(compareVersions(a, b))).toBe(sign));

  it('stand in ascending order, once each', () => {
    const versions = MWAA_VERSIONS.map(({ version }) => version);
    expect([...versions].sort(compareVersions)).toEqual(versions);
    expect(new Set(versions).size).toBe(versions.length);
  });

  it('cannot be created up to 2.6.3, whose support has ended', () => {
    for (const { version, creatable } of MWAA_VERSIONS) expect({ version, creatable }).toEqual({ version, creatable: isAtLeast(version, '2.7.2') });
    expect(findVersion('2.10.2')).toBeUndefined();
  });

  it('name the constraints of MWAA\'s Python', () => expect(constraintsUrl('2.11.2')).toBe('https://raw.githubusercontent.com/apache/airflow/constraints-2.11.2/constraints-3.12.txt'));
});

describe('our own DAG', () => {
  it.each([
    { key: 'dags/mwaa_migrate/db_export.py', own: true }, { key: 'mwaa_migrate/db_import_3.py', own: true }, { key: 'dags/db_export.py', own: false }, { key: 'dags/mwaa_migrate/mine.py', own: false }, { key: 'dags/x_mwaa_migrate/db_export.py', own: false },
  ])('$key: $own', ({ key, own }) => expect(isOwnDagFile(key)).toBe(own));
  it('is told by its id', () => expect(['db_export', 'db_import_2', 'db_export_daily', 'my_db_export'].map(isOwnDagId)).toEqual([true, true, false, false]));
});

describe('values of options', () => {
  it.each([
    { option: 'core.parallelism', value: '32', shown: '32', because: 'a number' },
    { option: 'core.fernet_key', value: 'abc', shown: '(hidden)', because: 'a key' },
    { option: 'smtp.smtp_password_cmd', value: 'x', shown: '(hidden)', because: 'not on the list' },
    { option: 'core.default_timezone', value: 'Europe/Berlin', shown: 'Europe/Berlin', because: 'plain words' },
    { option: 'scheduler.create_cron_data_intervals', value: 'True', shown: 'True', because: 'a switch of Airflow\'s own table' },
    { option: 'dag_processor.parsing_processes', value: '4', shown: '4', because: 'a number of Airflow\'s own table' },
    { option: 'dag_processor.parsing_processes', value: 'hunter2', shown: '(hidden)', because: 'not a number where one belongs' },
    { option: 'smtp.smtp_password', value: '12345', shown: '(hidden)', because: 'a number where a secret belongs' },
    { option: 'my_plugin.pin', value: '1234', shown: '(hidden)', because: 'nobody knows what it is' },
    { option: '__proto__', value: '1', shown: '(hidden)', because: 'no option at all' },
    { option: 'core.default_timezone', value: 'http://u:p@h', shown: '(hidden)', because: 'an address is no time zone' },
    { option: 'core.default_timezone', value: 'hunter2-or-so', shown: '(hidden)', because: 'nor is any word' },
    { option: 'celery.worker_autoscale', value: '10,5', shown: '10,5', because: 'two numbers' },
    { option: 'celery.worker_autoscale', value: 'hunter2', shown: '(hidden)', because: 'a word where numbers belong' },
    { option: 'logging.logging_level', value: 'DEBUG', shown: 'DEBUG', because: 'a choice of Airflow' },
  ])('$option=$value: $because', ({ option, value, shown }) => expect(visibleValue(option, value)).toBe(shown));
});

