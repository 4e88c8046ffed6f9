import { describe, expect, it } from '@jest/globals';
import { buildPlan, type PlanInput } from '../../../src/plan/build.js';
import { NOTHING_SEEN } from '../../../src/plan/observations.js';
import { PHASES } from '../../../src/inputs.js';
import { legsOf, requireRoad, roadOf } from '../../../src/plan/road.js';
import { ACCOUNT, aMigrationFile, anEnvironment, aRole, aTargetEnvironment } from '../../builders/values.js';

const planOf = (from: string, to: string, given: Readonly<{ options?: Readonly<Record<string, string>>; configuration?: Readonly<Record<string, string | null>>; requirements?: string; target?: PlanInput['target'] }> = {}) => buildPlan({
  file: aMigrationFile({ target: { airflowVersion: to, configuration: given.configuration ?? {} } }), source: anEnvironment({ AirflowVersion: from, AirflowConfigurationOptions: given.options ?? {} }), target: given.target, targetAccount: ACCOUNT,
  sourceRole: aRole(), key: undefined, observations: NOTHING_SEEN, requirements: given.requirements,
});
const sentAt = (plan: ReturnType<typeof planOf>) => plan.decisions.environment.fields.AirflowConfigurationOptions ?? {};

describe('the road', () => {
  it.each([
    ['1.10.12', '2.10.3', { landing: '2.10.3', upgrades: [], bridge: '1.10.15' }],
    ['2.2.2', '2.11.2', { landing: '2.11.2', upgrades: [], bridge: undefined }],
    ['2.10.3', '2.10.3', { landing: '2.10.3', upgrades: [], bridge: undefined }],
    ['2.10.3', '3.3.1', { landing: '2.11.2', upgrades: ['3.3.1'], bridge: undefined }],
    ['2.11.2', '3.0.6', { landing: '2.11.2', upgrades: ['3.0.6'], bridge: undefined }],
    ['1.10.12', '3.2.1', { landing: '2.11.2', upgrades: ['3.2.1'], bridge: '1.10.15' }],
    ['3.0.6', '3.3.1', { landing: '3.3.1', upgrades: [], bridge: undefined }],
  ])('%s → %s', (from, to, road) => expect(roadOf(from, to)).toEqual(road));

  it('verifies before and after the step in place, and cuts over last', () =>
    expect(legsOf(roadOf('2.10.3', '3.3.1'), '2.10.3').map(({ phase }) => phase)).toEqual(['check', 'resources', 'create', 'export', 'import', 'verify', 'upgrade', 'verify', 'cutover']));
});

describe('a plan over 2.11 to 3.x', () => {
  it('creates on 2.11.2 with that version\'s names and constraints, and keeps those of 3.x for the step', () => {
    const plan = planOf('2.10.3', '3.3.1', { options: { 'webserver.expose_config': 'True', 'core.parallelism': '32', 'scheduler.catchup_by_default': 'False' } });
    expect(plan.decisions.environment.fields.AirflowVersion).toBe('2.11.2');
    expect(sentAt(plan)).toEqual({ 'webserver.expose_config': 'True', 'core.parallelism': '32', 'scheduler.catchup_by_default': 'False' });
    expect(plan.decisions.resources.constraint).toContain('constraints-2.11.2/constraints-3.12');
    expect(plan.decisions.road.upgrades).toEqual([{
      version: '3.3.1', constraint: expect.stringContaining('constraints-3.3.1/constraints-3.12'),
      options: { 'api.expose_config': 'True', 'core.parallelism': '32', 'scheduler.catchup_by_default': 'False', 'scheduler.create_cron_data_intervals': 'True', 'scheduler.create_delta_data_intervals': 'True' },
    }]);
  });

  it.each([
    { what: 'a name that only 3.x has waits for the step', configuration: { 'api.expose_config': 'False' }, landing: { 'webserver.expose_config': 'True' }, last: { 'api.expose_config': 'False' } },
    { what: 'a name that both have counts at once', configuration: { 'core.parallelism': '8' }, landing: { 'core.parallelism': '8', 'webserver.expose_config': 'True' }, last: { 'core.parallelism': '8' } },
    { what: 'null for the new name removes the old one too', configuration: { 'api.expose_config': null }, landing: {}, last: {} },
    { what: 'null for the old name does so too', configuration: { 'webserver.expose_config': null }, landing: {}, last: {} },
    { what: 'what the road sets may be declined', configuration: { 'scheduler.create_cron_data_intervals': null, 'scheduler.create_delta_data_intervals': 'False', 'scheduler.catchup_by_default': 'False' }, landing: { 'webserver.expose_config': 'True', 'scheduler.create_delta_data_intervals': 'False', 'scheduler.catchup_by_default': 'False' }, last: { 'api.expose_config': 'True', 'scheduler.create_delta_data_intervals': 'False', 'scheduler.catchup_by_default': 'False' } },
  ])('$what', ({ configuration, landing, last }) => {
    const plan = planOf('2.10.3', '3.3.1', { options: { 'webserver.expose_config': 'True' }, configuration });
    expect(sentAt(plan)).toEqual(landing);
    expect(plan.decisions.road.upgrades[0]?.options).toMatchObject(last);
    if ('scheduler.create_cron_data_intervals' in configuration) expect(plan.decisions.road.upgrades[0]?.options).toEqual(last);
  });

  it('carries catchup_by_default as the source means it, written or not', () => {
    expect(planOf('2.10.3', '3.3.1').decisions.road.upgrades[0]?.options).toMatchObject({ 'scheduler.catchup_by_default': 'True' });
    expect(planOf('2.11.2', '3.3.1', { options: { 'scheduler.catchup_by_default': 'False' } }).decisions.road.upgrades[0]?.options).toMatchObject({ 'scheduler.catchup_by_default': 'False' });
  });

  it('looks at requirements for every version on the way', () => {
    const found = planOf('2.10.3', '3.3.1', { requirements: 'apache-airflow-providers-amazon==9.0.0\napache-airflow==2.10.3\n' }).requirements ?? [];
    expect(found.map(({ line, kind, on }) => [line, kind, on])).toEqual([[1, 'conflict', '2.11.2'], [2, 'airflow', '2.11.2'], [1, 'conflict', '3.3.1'], [2, 'airflow', '3.3.1']]);
  });

  it('is blocked by what is not built, and by nothing else', () => {
    expect(planOf('2.10.3', '3.3.1').blockers.map(({ code }) => code)).toEqual(['target-airflow-3']);
    // The cure that is there today must not lose what keeps the dates.
    expect(planOf('2.10.3', '3.3.1').blockers[0]?.fix).toMatch(/what this plan adds for Airflow 3/u);
    expect(planOf('2.10.3', '3.3.1').warnings.map(({ code }) => code)).toContain('ignore-syntax');
    expect(planOf('2.7.2', '2.10.3').warnings.map(({ code }) => code)).not.toContain('ignore-syntax');
    expect(planOf('2.2.2', '2.11.2').blockers).toEqual([]);
    expect(planOf('3.0.6', '3.3.1').blockers.map(({ code }) => code)).toEqual(['source-airflow-3']);
    expect(planOf('2.10.3', '3.1.0').blockers.map(({ code }) => code)).toEqual(['version-unknown']);
  });

  it('takes a target on any version of the road for its own', () => {
    for (const [AirflowVersion, isOther] of [['2.11.2', false], ['3.3.1', false], ['2.10.3', true]] as const)
      expect(planOf('2.10.3', '3.3.1', { target: aTargetEnvironment({ AirflowVersion }) }).blockers.some(({ code }) => code === 'target-other-version')).toBe(isOther);
  });

  it('is part of the digest', () => expect(planOf('2.10.3', '3.3.1').digest).not.toBe(planOf('2.10.3', '3.2.1').digest));
});

describe('phases on a road that this release cannot go', () => {
  it.each(PHASES)('%s', (phase) => {
    const start = () => requireRoad(phase, '3.0.6');
    if (['check', 'plan', 'status'].includes(phase)) expect(start).not.toThrow();
    else expect(start).toThrow(/Phase \w+ does not go to Airflow 3\.0\.6: .* is not part of this release/u);
    expect(() => requireRoad(phase, '2.11.2')).not.toThrow();
  });
});
