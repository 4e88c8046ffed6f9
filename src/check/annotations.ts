/** Findings beside the lines of a pull request. GitHub shows ten of each level per step and drops the rest without a word. */
import * as core from '@actions/core';
import type { CheckFinding, CheckLevel } from './check-report.js';

/** actions/runner, ExecutionContext.cs. One error is left for the step's own last word. */
const MAX_PER_LEVEL: Readonly<Record<CheckLevel, number>> = { error: 9, warning: 10, notice: 10 };
/** Characters; the runner cuts at 4096, in the middle of what it may be. */
const MAX_MESSAGE = 1500;

export type Annotation = Readonly<{ level: CheckLevel; message: string; title: string; file: string | undefined; line: number | undefined }>;

/** @param findings worst first */
export function annotationsOf(findings: readonly CheckFinding[]): Readonly<{ shown: readonly Annotation[]; hidden: Readonly<Record<CheckLevel, number>> }> {
  const hidden = { error: 0, warning: 0, notice: 0 };
  const counts = { error: 0, warning: 0, notice: 0 };
  // Without a file an annotation stands at no line; those with one help more.
  const shown = [...findings].sort((a, b) => Number(a.file === undefined) - Number(b.file === undefined)).flatMap((finding): readonly Annotation[] => {
    counts[finding.level] += 1;
    if (counts[finding.level] > MAX_PER_LEVEL[finding.level]) {
      hidden[finding.level] += 1;
      return [];
    }
    return [{ level: finding.level, message: messageOf(finding), title: finding.code, file: finding.file, line: finding.line }];
  });
  return { shown, hidden };
}

/** Written by @actions/core, which escapes what would end the command or begin another. */
export function annotate(findings: readonly CheckFinding[]): void {
  const { shown, hidden } = annotationsOf(findings);
  for (const { level, message, title, file, line } of shown) core[level](message, { title, ...(file === undefined ? {} : { file }), ...(line === undefined ? {} : { startLine: line }) });
  const more = (Object.keys(hidden) as CheckLevel[]).filter((level) => hidden[level] > 0).map((level) => `${hidden[level]} more of level ${level}`);
  if (more.length > 0) core.info(`GitHub shows ten annotations of each level: ${more.join(', ')} in the summary and the report.`);
}

const messageOf = ({ what, why, fix, replacement }: CheckFinding): string => {
  const message = [what, why === undefined ? '' : `Why: ${why}`, fix === undefined ? '' : `Fix: ${fix}`, replacement === undefined ? '' : `Write: ${replacement}`].filter((part) => part !== '').join('\n');
  const points = [...message];
  return points.length <= MAX_MESSAGE ? message : `${points.slice(0, MAX_MESSAGE).join('')}…`;
};
