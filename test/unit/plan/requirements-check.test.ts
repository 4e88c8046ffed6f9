import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import constraints from '../../../src/airflow/constraints.json' with { type: 'json' };
import { pinOf } from '../../../src/airflow/pins.js';
import { MWAA_VERSIONS } from '../../../src/airflow/versions.js';
import { changedVersions, checkRequirements, requirementsOf } from '../../../src/plan/requirements-check.js';
import { pinsByPackage } from '../../../scripts/constraints-data/pins.js';

const found = (text: string, from = '2.7.2', to = '2.10.3') => checkRequirements(text, from, to).map(({ line, kind }) => `${line} ${kind}`);

describe('a requirements.txt on the target', () => {
  // 2.10.3 pins pandas 2.1.4, numpy 1.26.4 and apache-airflow-providers-snowflake 5.8.0.
  it.each([
    ['pandas==1.5.3', ['1 conflict']], ['pandas==2.1.4', []], ['pandas==2.1.4.0', []], ['pandas', []], ['pandas>=2.1', []], ['pandas>=2.2', ['1 conflict']], ['pandas<2', ['1 conflict']], ['pandas~=2.1.0', []], ['pandas~=2.2', ['1 conflict']],
    ['pandas==2.1.*', []], ['pandas==1.*', ['1 conflict']], ['pandas!=2.1.4', ['1 conflict']], ['pandas>=1,<2', ['1 conflict']], ['Pandas [performance] == 1.5.3 ; python_version > "3"', ['1 conflict']],
    ['apache_airflow_providers.snowflake==4.0.0', ['1 conflict']], ['apache-airflow-providers-snowflake', []],
    ['apache-airflow==2.7.2', ['1 airflow']], ['apache-airflow[amazon]', []], ['apache-airflow==2.10.3', []], ['apache-airflow-backport-providers-google==2021.3.3', ['1 backport']],
    ['my-own-package==1.0', []], ['pandas==2.0rc1', []], ['pandas @ https://example.com/p.whl', []], ['-r other.txt', []], ['--constraint "x"', []], ['# pandas==1.5.3', []], ['./wheels/x.whl', []], ['', []],
    ['a\n\npandas==1.5.3 # old\n', ['3 conflict']], ['pandas==1.5.3 --hash=sha256:00', ['1 conflict']],
  ])('%j: %j', (text, expected) => expect(found(text)).toEqual(expected));

  it('names what the target\'s constraints no longer know', () => expect(found('apache-airflow-providers-qubole', '2.6.3', '2.10.3')).toEqual(pinOf('apache-airflow-providers-qubole', '2.6.3') ? ['1 gone'] : []));

  it('reads names as PyPI does', () => expect(requirementsOf('Apache_Airflow.Providers--Amazon>=1').map(({ name }) => name)).toEqual(['apache-airflow-providers-amazon']));
});

it('the pins are those of the constraint files', () => {
  const files = Object.fromEntries(MWAA_VERSIONS.map(({ version, python }) => [version, readFileSync(new URL(`../../sandbox/airflow-constraints/${version}-py${python}.txt`, import.meta.url), 'utf8')]));
  expect(constraints).toEqual(pinsByPackage(files));
  expect([pinOf('pandas', '2.10.3'), pinOf('Pandas', '2.2.2'), pinOf('nothing-like-this', '2.10.3')]).toEqual(['2.1.4', '1.3.4', undefined]);
});

describe('what the image brings in another version', () => {
  it('names Python, its providers and what the requirements leave to the constraints', () => {
    const named = (requirements: string | undefined, from = '2.10.3', to = '2.11.2') => changedVersions(from, to, requirements).map(({ name, was, is }) => `${name} ${was} ${is}`);
    expect(named(undefined)).toEqual(expect.arrayContaining(['Python 3.11 3.12', 'apache-airflow-providers-amazon 9.0.0 9.22.0']));
    expect(named('apache-airflow-providers-snowflake\n').join()).toContain('apache-airflow-providers-snowflake');
    expect(named('apache-airflow-providers-snowflake==1.0\n').join()).not.toContain('snowflake');
    expect(named('apache-airflow-providers-snowflake\n', '2.10.3', '2.10.3')).toEqual([]);
  });
});
