import { describe, expect, it } from '@jest/globals';
import { UserError } from '../../../src/errors.js';
import { survey, type SurveyContext } from '../../../src/phases/survey.js';
import { aMigrationFile, someInputs } from '../../builders/values.js';

const denied = new UserError('Access denied: airflow:GetEnvironment on x.', 'w', 'f', { cause: Object.assign(new Error('no'), { name: 'AccessDeniedException' }) });
const expired = new UserError('The credentials expired.', 'w', 'f', { cause: Object.assign(new Error('no'), { name: 'ExpiredToken' }) });
const context = (failure: Error | undefined, names: readonly string[] | Error): SurveyContext => {
  const mwaa = {
    get: async () => { if (failure) throw failure; return undefined; },
    list: async () => { if (names instanceof Error) throw names; return names; },
  };
  const side = { mwaa } as unknown;
  return { inputs: someInputs(), file: aMigrationFile({ source: { environment: 'analytcs', region: 'eu-west-1' } }), log: console, plan: { source: side, target: side }, source: side, target: side } as unknown as SurveyContext;
};

describe('a source that cannot be had', () => {
  it.each([
    { because: 'a policy that names environments denies a misspelt one', failure: denied, names: ['analytics', 'other'], says: /There is no environment "analytcs" in eu-west-1 \(did you mean "analytics"\?\)\. There are: analytics, other\./ },
    { because: 'it is there, so the permission is what is missing', failure: denied, names: ['analytcs'], says: /Access denied/ },
    { because: 'who may not list cannot know', failure: denied, names: denied, says: /Access denied/ },
    { because: 'only a denial may hide a wrong name', failure: expired, names: ['analytics'], says: /credentials expired/ },
    { because: 'a wrong region is empty', failure: undefined, names: [], says: /There is no environment "analytcs" in eu-west-1\. This account has no environment at all there\./ },
    { because: 'the list is only a help', failure: undefined, names: denied, says: /There is no environment "analytcs" in eu-west-1\.\n/ },
  ])('$because', async ({ failure, names, says }) => expect(survey(context(failure, names))).rejects.toThrow(says));
});
