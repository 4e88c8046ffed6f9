/** The job summary's own limits, and the form of summary and report when a phase fails. Pure. */
import { list, text as paragraph, type Block } from './report/document.js';
import { renderHtml } from './report/html.js';

/** Bytes of one step's summary; a longer one is dropped whole (runner, FileCommandManager.cs). */
const MAX_BYTES = 1024 * 1024;
const NOTICE = '\n\n> The summary is cut here: GitHub shows at most 1 MiB. The whole text is in the file that output `report` names.\n';

/** Cuts at the end of a line, so that no table row or fence stands open half-way. */
export function fitSummary(markdown: string): string {
  const bytes = Buffer.from(markdown);
  // One byte for the line end that follows.
  if (bytes.length < MAX_BYTES) return markdown;
  const room = bytes.subarray(0, MAX_BYTES - Buffer.byteLength(NOTICE) - 1);
  return `${room.subarray(0, Math.max(0, room.lastIndexOf(0x0a))).toString('utf8')}${NOTICE}`;
}

const failureTitle = (phase: string | undefined): string => (phase ? `Phase ${phase} failed` : 'mwaa-migrate did not start');

/** @param text what, why, fix; shown as it is, inert: it can hold names that others chose */
export function failureSummary(phase: string | undefined, text: string): string {
  const inert = text.replace(/[&<>]/gu, (letter) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[letter] ?? letter);
  return `## ${failureTitle(phase)}\n\n<pre>${inert}</pre>`;
}

/** The same as a page: a line of the text is a paragraph, and one that begins with a dash an item of a list. */
export function failureHtml(phase: string | undefined, text: string): string {
  const blocks = text.split('\n').map((line): Block => {
    const [, item] = /^\s*- (.*)$/u.exec(line) ?? [];
    return item === undefined ? paragraph(line.trim()) : list([item]);
  });
  const verdict = failureTitle(phase);
  return renderHtml({ verdict, isGood: false, sections: [{ title: 'What happened', importance: 1, blocks }], next: [] }, verdict);
}

/** The verdict of a summary (its first heading) as one plain line for the log. */
export function headline(markdown: string): string {
  const line = markdown.split('\n').find((text) => text.startsWith('## ')) ?? '';
  return line.slice(3).replace(/<\/?code>|<wbr>|&#8203;/gu, '').replace(/&#(\d+);/gu, (_, code: string) => String.fromCodePoint(Number(code))).replace(/\p{Cc}/gu, ' ');
}
