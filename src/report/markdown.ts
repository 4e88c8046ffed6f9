import { withDocs } from './docs-link.js';
import { grouped, isPlainAddress, signOf, type Block, type Cell, type Part, type Report, type Section, type Text } from './document.js';
import { withFewerRows, withoutLeastImportant, type Fitted } from './fitting.js';
import { fenced, inlineCode, sentence } from './inert.js';
import { ganttOf } from './mermaid.js';

export { fenced, inlineCode };

/** GitHub drops a step summary above it: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary */
export const MAX_SUMMARY_BYTES = 1_048_576;

/** How text of strangers is written. @param isCell inside a table */
export type CodeWriter = (value: string, isCell: boolean) => string;

/** Where the rows are that a summary has no room for: phases write the same report as HTML, uncut. */
const WHOLE = 'the same report as HTML (output report, ending in .html)';

/**
 * Markdown of a job summary. Where it would be too long, whole sections go, the least important ones first, then the ends of long tables,
 * and it says so.
 * @param maxBytes of UTF-8
 */
export function renderMarkdown(report: Report, maxBytes = MAX_SUMMARY_BYTES, leftOut = 'Left out of this summary, because GitHub cuts it at 1 MiB:'): string {
  const { verdict, section, next } = markdownWriter(inlineCode);
  // Most of them are the same in every try.
  const written = new Map<Section, string>();
  const write = (one: Section): string => {
    const text = written.get(one) ?? section(one);
    written.set(one, text);
    return text;
  };
  let rendered = '', last: Fitted | undefined;
  const fits = (fitted: Fitted): boolean => {
    const { sections, dropped } = fitted;
    const notice = dropped.length > 0 ? [`**${sentence(leftOut)}** ${dropped.map(sentence).join(', ')}.`] : [];
    const [first, behind] = report.isNextFirst === true ? [next(report), []] : [[], next(report)];
    rendered = `${[verdict(report), ...first, ...notice, ...sections.map(write), ...behind].join('\n\n')}\n`;
    return Buffer.byteLength(rendered) <= maxBytes;
  };
  for (const fitted of withoutLeastImportant(report.sections)) {
    if (fits(fitted)) return rendered;
    last = fitted;
  }
  if (last) for (const fitted of withFewerRows(last, WHOLE)) if (fits(fitted)) return rendered;
  return cut(rendered, maxBytes);
}

export type MarkdownWriter = Readonly<{ verdict: (report: Report) => string; section: (section: Section) => string; /** Its heading and steps; nothing where there is nothing to do. */ next: (report: Report) => readonly string[] }>;

/** Writes the parts of a report. @param code the same text is shown otherwise in a summary and in a comment, which has less room */
export function markdownWriter(code: CodeWriter): MarkdownWriter {
  const part = (value: Part, isCell: boolean): string => {
    if (typeof value === 'string') return sentence(value);
    if ('code' in value) return code(value.code, isCell);
    return isPlainAddress(value.to) ? `[${sentence(value.link)}](${value.to})` : sentence(value.link);
  };
  const inline = (value: Text, isCell = false): string => withDocs(value).map((one) => part(one, isCell)).join('');
  const cell = (value: Cell): string => (value === undefined ? '–' : typeof value === 'number' ? grouped(value) : inline(value, true));
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const block = (one: Block): string => {
    if (one.kind === 'text') return inline(one.text);
    if (one.kind === 'list') return one.items.map((item) => `- ${inline(item)}`).join('\n');
    if (one.kind === 'listing') return fenced(one.language, one.text);
    if (one.kind === 'timeline') return fenced('mermaid', ganttOf(one));
    const isNumeric = one.head.map((_, at) => one.rows.some((cells) => typeof cells[at] === 'number'));
    return [row(one.head.map(sentence)), row(isNumeric.map((numeric) => (numeric ? '---:' : '---'))), ...one.rows.map((cells) => row(cells.map(cell)))].join('\n');
  };
  return {
    verdict: (report) => `## ${signOf(report).sign} ${inline(report.verdict)}`,
    section: ({ title, isFolded, blocks }) => {
      const body = blocks.map(block).filter((one) => one !== '').join('\n\n');
      // Without the blank lines GitHub shows a table inside <details> as text.
      return isFolded ? `<details><summary>${sentence(title)}</summary>\n\n${body}\n\n</details>` : `### ${sentence(title)}\n\n${body}`;
    },
    next: (report) => (report.next.length > 0 ? ['### What to do next', report.next.map((item, at) => `${at + 1}. ${inline(item)}`).join('\n')] : []),
  };
}

/** Only for a report whose important sections alone are too long: better cut at a line than rejected whole. */
function cut(rendered: string, maxBytes: number): string {
  const notice = '\n\n**Cut here: the report is longer than GitHub accepts.**\n';
  const kept = Buffer.from(rendered).subarray(0, Math.max(0, maxBytes - Buffer.byteLength(notice))).toString('utf8');
  return kept.slice(0, Math.max(0, kept.lastIndexOf('\n'))) + notice;
}
