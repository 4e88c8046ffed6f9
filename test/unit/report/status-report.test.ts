import { describe, expect, it } from '@jest/globals';
import { beginAttempt, newJournal, rememberStep } from '../../../src/journal/transitions.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import { statusReport } from '../../../src/report/status-report.js';

const side = (environment: string, airflowVersion: string) => ({ environment, region: 'eu-west-1', airflowVersion });
const begun = beginAttempt(newJournal({ migrationId: 'm', source: side('a', '2.7.2'), target: side('b', '2.10.3') }), 'rehearsal', new Date('2026-11-22T10:00:00Z'));
const STEPS: readonly (readonly [string, Readonly<Record<string, unknown>>?])[] = [
  ['active-dags', { count: 12 }], ['drain-begun'], ['drained', { paused: 12, leftover: 2, waitedSeconds: 90 }], ['exported', { scope: 's', rows: 12345 }],
  ['imported', { tables: { dag_run: { inserted: 1000, alreadyThere: 5, rejected: 1 }, log: { inserted: 11000, alreadyThere: 0, rejected: 2 } }, parkedRuns: 2 }],
  ['secrets-removed', { versions: 3 }], ['verified', { isGood: false, problems: 4 }], ['restored', { activated: 3, putBack: 1, missing: [], leftFailed: [{ dagId: 'x', runId: 'y' }] }], ['activated', { activated: 9, alreadyActive: 1, left: [{ dagId: 'x', reason: 'r' }, { dagId: 'y', reason: 'r' }] }],
  ['of-a-newer-release', { moved: 7, names: ['secret-name'] }],
];
const said = () => {
  let journal = rememberStep(begun, 1, { name: 'exported', at: '2026-11-22T10:05:00Z', by: 'me', data: { rows: 12000 } });
  journal = beginAttempt(journal, 'final', new Date('2026-11-22T11:00:00Z'));
  STEPS.forEach(([name, data], at) => { journal = rememberStep(journal, 2, { name, at: `2026-11-22T11:0${at}:00Z`, by: 'me', ...(data ? { data } : {}) }); });
  return renderMarkdown(statusReport({ id: 'm', journal, location: 's3://x', lock: undefined, now: '2026-11-22T12:00:00Z' })).replace(/&#58;/gu, ':').replace(/&#45;/gu, '-');
};

describe('the status', () => {
  it.each([
    ['11:00:00Z', '12 DAGs'], ['11:02:00Z', '12 DAGs paused, 2 runs left in flight, waited 90 s'], ['11:03:00Z', '12,345 rows'], ['11:04:00Z', '12,000 rows imported, 5 rows there before, 3 rows rejected; 2 runs parked'],
    ['11:05:00Z', '3 object versions'], ['11:06:00Z', 'bad: 4 problems'], ['11:07:00Z', '3 DAGs active again, 1 ended task put back, 1 run left failed'], ['11:08:00Z', '9 DAGs activated, 1 active before, 2 left paused'], ['11:09:00Z', 'moved: 7'],
  ])('shows the step of %s with %s', (time, numbers) => {
    expect(said().split('\n').find((line) => line.includes(time) && line.startsWith('| ') && line.includes(numbers))).toBeDefined();
  });

  it('shows a step without numbers, the attempts before folded, and no name out of the data', () => {
    expect(said()).toMatch(/the drain has begun: the source may be paused \| <code>2026-11-22T11:01:00Z<\/code> \| –/u);
    expect(said()).toMatch(/<details><summary>Attempt 1, a rehearsal, step by step \(1\)[\s\S]*12,000 rows/u);
    expect(said()).not.toContain('secret-name');
  });
});

describe('the verdict of the status', () => {
  const final = (steps: readonly (readonly [string, Readonly<Record<string, unknown>>?])[]) => steps.reduce(
    (journal, [name, data]) => rememberStep(journal, 2, { name, at: '2026-11-22T11:00:00Z', by: 'me', ...(data ? { data } : {}) }),
    beginAttempt(begun, 'final', new Date('2026-11-22T11:00:00Z')),
  );
  const shown = (journal: ReturnType<typeof final>, rest: Partial<Parameters<typeof statusReport>[0]> = {}) =>
    renderMarkdown(statusReport({ id: 'm', journal, location: 's3://x', lock: undefined, now: '2026-11-22T12:00:00Z', ...rest })).replace(/&#(\d+);/gu, (_, at: string) => String.fromCodePoint(Number(at)));
  const exported = [['active-dags'], ['drain-begun'], ['exported']] as const;

  it.each([
    ['exported', exported], ['imported', [...exported, ['imported']]], ['verified', [...exported, ['imported'], ['verified', { isGood: true }]]],
    ['a drain that is under way', [['active-dags'], ['drain-begun']]], ['a rollback that is under way', [...exported, ['imported'], ['rollback-begun']]],
    ['a rollback that has ordered the restore', [...exported, ['imported'], ['verified', { isGood: true }], ['restore-begun']]],
    ['a canary that stopped everything', [...exported, ['imported'], ['activation-begun'], ['activated', { left: [{ dagId: 'x', reason: 'r' }], stopped: 'canary x' }]]],
    ['a run that waits for a person', [...exported, ['restored', { leftFailed: [{ dagId: 'daily', runId: 'manual__1' }] }]]],
  ] as const)('is a warning after %s', (_, steps) => {
    expect(shown(final(steps))).toMatch(/^## ⚠️/u);
  });

  it.each([['a rehearsal', []], ['a whole cutover', [...exported, ['imported'], ['activation-begun'], ['activated', { left: [] }]]], ['a way back without anything left', [...exported, ['restored', { leftFailed: [] }]]]] as const)('is good after %s', (_, steps) => {
    expect(shown(final(steps), { active: { source: { active: 0, all: 4 }, target: { active: 4, all: 4 } } })).toMatch(/^## ✅/u);
  });

  it('says what is active now, and warns where nothing is, whatever the journal says', () => {
    const journal = final([...exported, ['restored', { leftFailed: [] }]]);
    expect(shown(journal, { active: { source: { active: 3, all: 4 }, target: 'not known, it is CREATING' } })).toMatch(/\| Active DAGs now \| source: 3 of 4; target: not known, it is CREATING \|/u);
    expect(shown(journal, { active: { source: { active: 0, all: 4 }, target: { active: 0, all: 4 } } })).toMatch(/^## ⚠️.*no DAG is active on either side now/u);
  });

  it('shows a rollback that was stopped also where a final export was begun after its attempt', () => {
    const rolling = final([...exported, ['imported'], ['restore-begun']]);
    const said = shown(beginAttempt(rolling, 'final', new Date('2026-11-22T11:30:00Z')));
    expect(said).toMatch(/^## ⚠️.*a rollback is under way or was stopped/u);
    expect(said).toMatch(/Run phase rollback again/u);
    expect(shown(rememberStep(rolling, 2, { name: 'restored', at: '2026-11-22T11:20:00Z', by: 'me' }))).not.toMatch(/under way or was stopped/u);
  });

  it('names the runs that wait for a person, and does not send anybody into another export', () => {
    const said = shown(final([...exported, ['restored', { leftFailed: [{ dagId: 'daily', runId: 'manual__1' }, 'not a run'] }]]));
    expect(said).toMatch(/1\. 1 run stood failed on the source when it was put back.*<code>daily \/ manual__1<\/code>/u);
    expect(said).toMatch(/2\. Nothing else has to be done/u);
  });

  it('unfolds the attempt that was asked for', () => {
    expect(shown(final(exported), { wanted: 1 })).toMatch(/### Attempt 1, a rehearsal/u);
    expect(shown(final(exported), { wanted: 1 })).toMatch(/<summary>Attempt 2, a final export/u);
  });
});
