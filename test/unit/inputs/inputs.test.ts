import { describe, expect, it } from '@jest/globals';
import { UserError } from '../../../src/errors.js';
import { readInputs } from '../../../src/inputs.js';

const read = (inputs: Readonly<Record<string, string>>) => readInputs(JSON.stringify(inputs));
const refusal = (inputs: Readonly<Record<string, string>>): UserError => {
  try {
    read(inputs);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};
const ROLE = 'arn:aws:iam::111122223333:role/x';
const DIGEST = 'a'.repeat(64);

describe('readInputs', () => {
  it('gives every input its default', () => {
    expect(read({ phase: 'status' })).toEqual({
      phase: 'status', config: '.github/mwaa-migration.yml', mode: 'rehearsal', attempt: undefined, planRole: undefined, targetPlanRole: undefined, sourceRole: undefined, targetRole: undefined,
      gateMode: 'ask', isAutomatic: false,
      approvedPlan: undefined, approvedManifest: undefined, dryRun: false, githubToken: undefined, timeoutMinutes: 300,
      workflow: {
        gate: { by: 'environment', environment: 'migration-production', timeoutMinutes: 60, allowUnprotected: false }, chain: { pause: 'after-gate', from: undefined, only: [] },
        requireApproval: false, jobs: undefined, allowedAccountIds: [], narrowsSessions: true,
      },
    });
  });

  it('reads what a step gives', () => {
    expect(read({ phase: 'export', mode: 'final', 'source-role': ROLE, 'approved-plan': DIGEST, 'dry-run': 'True', 'timeout-minutes': '90', attempt: '' })).toMatchObject({
      mode: 'final', sourceRole: ROLE, approvedPlan: DIGEST, dryRun: true, timeoutMinutes: 90, attempt: undefined,
    });
  });

  it('names all mistakes at once', () => {
    const { message } = refusal({ phase: 'exprt', mode: 'fast', attempt: '0', 'plan-role': 'me', 'approved-plan': '12', 'dry-run': 'maybe', 'timeout-minutes': 'long', 'aproved-plan': 'x' });
    for (const part of ['did you mean "export"', 'mode: "fast"', 'attempt: "0"', 'plan-role: "me"', 'approved-plan: it is no digest', 'dry-run: "maybe"', 'timeout-minutes: "long"', 'aproved-plan: there is no such input (did you mean "approved-plan"?)'])
      expect(message).toContain(part);
    expect(message).toMatch(/\n {2}Why: .*nothing was called\.\n {2}Fix: /u);
  });

  it('lists the known phases for an unknown one', () => expect(refusal({ phase: 'no-such-phase' }).message).toContain('known: check, plan, resources'));

  it.each([
    { inputs: { phase: 'plan', 'approved-plan': DIGEST }, about: 'phase, approved-plan', because: 'plan makes the digest' },
    { inputs: { phase: 'rollback', 'approved-plan': DIGEST }, about: 'phase, approved-plan', because: 'a plan that changed must not keep anybody from going back' },
    { inputs: { phase: 'status', 'approved-plan': DIGEST }, about: 'phase, approved-plan', because: 'status changes nothing' },
    { inputs: { phase: 'check', 'target-role': ROLE }, about: 'phase, target-role', because: 'DAG code must not meet credentials' },
    { inputs: { phase: 'export', attempt: '2' }, about: 'phase, attempt', because: 'export gives the numbers' },
    { inputs: { phase: 'create', attempt: '2' }, about: 'phase, attempt', because: 'create belongs to no attempt' },
    { inputs: { phase: 'import', mode: 'final' }, about: 'phase, mode', because: 'only export, gate and rollback have a mode' },
    { inputs: { phase: 'rollback', mode: 'final' }, about: 'mode', because: 'rollback knows automatic only' },
    { inputs: { phase: 'gate', mode: 'rehearsal' }, about: 'mode', because: 'gate asks or records' },
    { inputs: { phase: 'import', 'gate-environment': 'x' }, about: 'phase, gate-environment', because: 'only start, gate and watch look at it' },
    { inputs: { phase: 'gate', 'cutover-environment': 'x' }, about: 'phase, cutover-environment', because: 'the gate itself gets its own environment in gate-environment' },
    { inputs: { phase: 'start', 'cutover-environment': 'x'.repeat(256) }, about: 'cutover-environment', because: 'GitHub takes 255 characters' },
    { inputs: { phase: 'watch', 'gate-timeout-minutes': '331' }, about: 'gate-timeout-minutes', because: 'a job ends at 360' },
    { inputs: { phase: 'plan', 'allowed-account-ids': '1111' }, about: 'allowed-account-ids', because: 'an account has 12 digits' },
    { inputs: { phase: 'export', 'approved-manifest': DIGEST }, about: 'phase, approved-manifest', because: 'only import compares it' },
  ])('refuses $about for $inputs.phase: $because', ({ inputs, about }) => expect(refusal(inputs).what).toContain(`- ${about}:`));

  it.each([[undefined, 'is not set'], ['', 'is not set'], ['[]', 'no JSON object'], ['{"phase"', 'no JSON object']])('refuses MWAA_INPUTS %p', (json, words) => expect(() => readInputs(json)).toThrow(words));

  it('does not show the token when the JSON is broken', () => expect(() => readInputs('{"github-token":"ghs_secret"')).not.toThrow(/ghs_secret/u));
});
