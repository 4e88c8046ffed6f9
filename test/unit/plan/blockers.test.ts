import { describe, expect, it } from '@jest/globals';
import { blockersOf, describeBlockers } from '../../../src/plan/blockers.js';
import { ACCOUNT, aMigrationFile, anEnvironment } from '../../builders/values.js';

const refused = (source: Readonly<Record<string, unknown>>, target: Readonly<Record<string, string>> = {}) =>
  describeBlockers(blockersOf({ source: anEnvironment(source), target: undefined, file: aMigrationFile({ target }), targetAccount: ACCOUNT }));

describe('blockers as one refusal', () => {
  it('of one thing says its reason and remedy, without repeating it', () =>
    expect(refused({ Status: 'UPDATING' })).toEqual({
      what: 'One thing blocks this migration:\n  - Source analytics is UPDATING: an update is under way, and tasks may be ended by it',
      why: 'nothing can be exported from it now.', fix: 'wait until it is AVAILABLE.',
    }));

  it('of several things that have one remedy names it once', () => {
    const { what, why, fix } = refused({}, { prefix: '' });
    expect(what).toMatch(/^3 things block/);
    expect(why).toContain("The target would write the source's own plugins.zip: the source could start with it.");
    expect(fix).toBe('give target.prefix another value.');
  });

  it('never advises to delete the source', () => {
    for (const Status of ['CREATE_FAILED', 'DELETING', 'DELETED', 'UNAVAILABLE']) expect(refused({ Status }).fix).toBe('name an environment that runs in source.environment, or repair this one first.');
  });

  it('offers only versions that this release reaches', () => expect(refused({}, { airflowVersion: '2.10.9' }).fix).toMatch(/^set target\.airflow-version to one of 2\.7\.2, [\d., ]*2\.11\.2\.$/u));
});
