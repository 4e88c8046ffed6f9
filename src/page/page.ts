/** The whole migration so far as one HTML file: for the migration bucket, an artifact, a mail. Pure. */
import type { Report } from '../report/document.js';
import { renderHtml } from '../report/html.js';
import { withoutLeastImportant } from '../report/fitting.js';
import { text } from '../report/document.js';

/** Name of the object below the migration's prefix, and of the file on the runner. */
export const PAGE_OBJECT = 'page.html';
export const PAGE_FILE = 'mwaa-migrate-page.html';
/** A browser shows more, a phone not quickly. */
const MAX_BYTES = 3_000_000;

/** @param now ISO 8601: a page says when it was made, for it does not change by itself */
export function pageOf(id: string, report: Report, now: string): string {
  const made = { title: 'About this page', importance: 1 as const, blocks: [text(`Made at ${now} by mwaa-migrate from the journal and the manifests of this migration. It holds no value of a variable or connection, loads nothing and runs no script; the next phase writes it anew.`)] };
  let html = '';
  for (const { sections, dropped } of withoutLeastImportant(report.sections)) {
    const notice = dropped.length > 0 ? [{ title: 'Left out of this page', importance: 1 as const, blocks: [text(`It would be too long with: ${dropped.join(', ')}.`)] }] : [];
    html = renderHtml({ ...report, isNextFirst: true, sections: [...sections, ...notice, made] }, `Migration ${id} to Amazon MWAA`);
    if (Buffer.byteLength(html) <= MAX_BYTES) return html;
  }
  return html;
}
