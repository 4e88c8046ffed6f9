import { describe, expect, it } from '@jest/globals';
import { sessionName, userAgent } from '../../../src/credentials/session-name.js';
import { PHASES } from '../../../src/inputs.js';

describe('the name of a session', () => {
  it('leads to one attempt of one workflow run', () => expect(sessionName({ phase: 'export', run: '19012345678', attempt: '2' })).toBe('mwaa-migrate-export-19012345678-2'));
  it('says where it was made by hand', () => expect(sessionName({ phase: 'plan', run: undefined, attempt: undefined })).toBe('mwaa-migrate-plan-local'));
  it.each(PHASES)('is one that STS takes, whatever the variables hold: %s', (phase) =>
    expect(sessionName({ phase, run: `12 34/é:${'9'.repeat(80)}`, attempt: '1' })).toMatch(/^[\w+=,.@-]{2,64}$/u));
});

describe('the user agent', () => {
  it('names release, phase and workflow run', () =>
    expect(userAgent('1.2.0', { phase: 'import', run: '77', attempt: '3' })).toEqual([['mwaa-migrate', '1.2.0'], ['md/phase', 'import'], ['md/run', '77'], ['md/run-attempt', '3']]));
});
