import { describe, expect, it } from '@jest/globals';
import { picklesLeft } from '../../../src/plan/xcom-pickles.js';
import { ACCOUNT, aMigrationFile, anEnvironment } from '../../builders/values.js';

const OPTION = 'core.enable_xcom_pickling';
const told = (from: string, to: string, given: Readonly<{ source?: string; target?: string; xcom?: boolean }> = {}) => picklesLeft({
  source: anEnvironment({ AirflowVersion: from, AirflowConfigurationOptions: given.source === undefined ? {} : { [OPTION]: given.source } }), target: undefined, targetAccount: ACCOUNT,
  file: aMigrationFile({ target: { airflowVersion: to, configuration: given.target === undefined ? {} : { [OPTION]: given.target } }, metadata: { xcom: given.xcom ?? true } }),
});

describe('XComs that are pickles', () => {
  it.each([
    { from: '1.10.12', to: '2.10.3', given: {}, because: '1.10 pickles unless told otherwise' },
    { from: '1.10.12', to: '2.8.1', given: {}, because: '2.8 is the first that reads none' },
    { from: '2.7.2', to: '2.10.3', given: { source: 'True', target: 'False' }, because: 'the file switches it off' },
    { from: '2.10.3', to: '3.3.1', given: { source: 'true' }, because: 'Airflow 3 has no pickles' },
  ])('are warned of from $from to $to: $because', ({ from, to, given }) => expect(told(from, to, given).map(({ code }) => code)).toEqual(['xcom-pickles']));

  it.each([
    { from: '1.10.12', to: '2.7.2', given: {}, because: '2.7 unpickles what is no JSON' },
    { from: '1.10.12', to: '2.10.3', given: { source: 'False' }, because: 'the source writes JSON' },
    { from: '1.10.12', to: '2.10.3', given: { target: 'True' }, because: 'the target reads them' },
    { from: '1.10.12', to: '2.10.3', given: { xcom: false }, because: 'no XCom moves but those of runs in flight' },
    { from: '2.7.2', to: '2.10.3', given: { source: 'True' }, because: 'the option is carried over' },
    { from: '2.0.2', to: '2.11.2', given: {}, because: 'JSON is the default since 2.0' },
  ])('are no matter from $from to $to: $because', ({ from, to, given }) => expect(told(from, to, given)).toEqual([]));
});
