import { renderHtml } from '../report/html.js';
import { renderMarkdown } from '../report/markdown.js';
import type { Report } from '../report/document.js';
import type { PhaseResult } from '../ports.js';

/** @param failure why the step ends red although nothing was thrown */
export function resultOf(title: string, report: Report, outputs: Readonly<Record<string, string>>, failure?: PhaseResult['failure']): PhaseResult {
  return { outputs, summary: renderMarkdown(report), html: renderHtml(report, title), ok: failure === undefined, ...(failure === undefined ? {} : { failure }) };
}
