import { expect, it } from '@jest/globals';
import { leftFailedSections } from '../../../src/report/left-failed.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import { aRanRun } from '../../builders/values.js';

type Ran = ReturnType<typeof aRanRun>;
const said = (runs: readonly Ran[], cut: readonly Readonly<{ dagId: string; runId: string }>[] = []) => {
  const leftFailed = [...runs.map(({ dagId, runId }) => ({ dagId, runId })), ...cut];
  const sections = leftFailedSections({ runs }, { missing: [], putBack: 0, standIns: [], leftFailed }, undefined);
  return renderMarkdown({ verdict: 'v', isGood: true, sections, next: [] }).replace(/&#(\d+);/gu, (_, point: string) => String.fromCodePoint(Number(point))).replace(/<\/?code>/gu, '');
};
const resumed = (given: Partial<Ran>) => aRanRun('a', 'r', { kind: 'resumed', state: 'failed', ...given });
const tasks = (count: number) => Array.from({ length: count }, (_, at) => ({ taskId: `t${at}`, mapIndex: -1, state: 'success' }));

it.each([
  { run: resumed({ tasks: [{ taskId: 'b', mapIndex: 1, state: 'skipped' }, { taskId: 'c', mapIndex: -1, state: 'failed' }] }), rows: ['| a | r | b[1] | skipped | mark success |', '| a | r | c | failed | clear, after the marks |'], because: 'a skipped task would run when its branch is not repeated' },
  { run: resumed({ tasks: [] }), rows: ['| a | r | none began | – | clear |'], because: 'what only failed upstream has not run' },
  { run: resumed({ tasksEnded: 2 }), rows: ['| a | r | – | 2 tasks ended | look which, mark and clear |'], because: 'the record of an earlier release names none' },
  { run: resumed({ tasks: tasks(100) }), rows: ['| a | r | t99 | success | mark success |', '| a | r | there may be more | – | look on the target, before the marks |'], because: 'a run names at most 100' },
])('what to do with each task: $because', ({ run, rows }) => {
  for (const row of rows) expect(said([run])).toContain(row);
});

it('shows as many lines as a summary has room for', () => {
  const text = said(Array.from({ length: 5 }, (_, at) => resumed({ runId: `r${at}`, tasks: tasks(90) })));
  expect(text.split('\n').filter((line) => line.startsWith('| a |'))).toHaveLength(300);
  expect(text).toContain('and 150 lines more');
});

it('tells runs that the target did nothing of apart', () => {
  expect(said([], [{ dagId: 'b', runId: 'waits' }])).toMatch(/waited in the triggerer, or did not end \(1\)[^]*- b \/ waits/);
});
