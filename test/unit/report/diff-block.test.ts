import { describe, expect, it } from '@jest/globals';
import { diffBlock } from '../../../src/report/diff-block.js';

const lines = (...entries: Parameters<typeof diffBlock>[0]) => {
  const block = diffBlock(entries);
  return block.kind === 'listing' ? block.text.split('\n') : [];
};

describe('a diff of names and values', () => {
  it('shows what goes, what comes and what stays', () => {
    expect(lines(
      { before: { name: 'core.dag_concurrency', value: '16' }, after: { name: 'core.max_active_tasks_per_dag', value: '16' } },
      { before: { name: 'core.executor', value: '(hidden)' }, after: undefined, note: 'not sent: MWAA sets it' },
      { before: undefined, after: { name: 'core.parallelism', value: '32' } },
      { before: { name: 'my.option', value: '(hidden)' }, after: { name: 'my.option', value: '(hidden)' }, note: 'sent as it is' },
    )).toEqual(['- core.dag_concurrency = 16', '+ core.max_active_tasks_per_dag = 16', '- core.executor = (hidden)  # not sent: MWAA sets it', '+ core.parallelism = 32', '  my.option = (hidden)  # sent as it is']);
  });

  it('shows an option that was hidden before and is hidden after under another name', () => {
    expect(lines({ before: { name: 'core.a', value: '(hidden)' }, after: { name: 'core.b', value: '(hidden)' } })).toEqual(['- core.a = (hidden)', '+ core.b = (hidden)']);
  });

  it.each(['\n', '\r\n', '\r', '\u0085', '\u2028', '\v'])('makes no second line of a name with %j', (end) => {
    expect(lines({ before: { name: `a${end}+ b = c`, value: `1${end}- d` }, after: undefined })).toEqual(['- a↵+ b = c = 1↵- d']);
  });

  it('cuts a very long value, and says how long it was', () => {
    expect(lines({ before: undefined, after: { name: 'a', value: 'x'.repeat(1_000) } })).toEqual([`+ a = ${'x'.repeat(120)}… (1000 characters)`]);
  });
});
