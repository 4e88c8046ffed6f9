import { expect, it, jest } from '@jest/globals';
import { annotate, annotationsOf } from '../../../src/check/annotations.js';
import { aFinding } from './values.js';

const many = (count: number, level: 'error' | 'warning' | 'notice') => [...Array(count).keys()].map((at) => aFinding({ level, line: at + 1 }));

it("shows what GitHub shows: ten of a level, one error less for the step's own, and counts the rest", () => {
  const { shown, hidden } = annotationsOf([...many(12, 'error'), ...many(11, 'warning'), ...many(3, 'notice')]);
  expect(['error', 'warning', 'notice'].map((level) => shown.filter((one) => one.level === level).length)).toEqual([9, 10, 3]);
  expect(hidden).toEqual({ error: 3, warning: 1, notice: 0 });
});

it('prefers findings with a file, worst first as they come', () => {
  const { shown } = annotationsOf([aFinding({ file: undefined, line: undefined, what: 'nowhere' }), ...many(9, 'error')]);
  expect(shown.map(({ file }) => file)).not.toContain(undefined);
});

it('writes commands that hostile texts cannot end, whatever they hold', () => {
  const lines: string[] = [];
  const spy = jest.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  try {
    annotate([aFinding({ file: 'dags/a,b:c.py\n::add-mask::x', what: 'x\n::set-output name=a::b\r\n::stop-commands::t', code: 'import-error' })]);
  } finally {
    spy.mockRestore();
  }
  const written = lines.join('').split('\n').filter((line) => line !== '');
  expect(written).toHaveLength(1);
  expect(written[0]).toMatch(/^::error title=import-error,file=dags\/a%2Cb%3Ac\.py%0A%3A%3Aadd-mask%3A%3Ax,line=3::x%0A::set-output/u);
});
