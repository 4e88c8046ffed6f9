import { grouped, partsOf, signOf, visible, type Block, type Cell, type Part, type Report, type Section, type Text } from './document.js';

/** GitHub drops a step summary above it: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary */
export const MAX_SUMMARY_BYTES = 1_048_576;

/** Text as inert inline code: no new cell or row, HTML, emphasis or mention (an escaped @ alone still mentions). */
export const inlineCode = (value: string): string => `<code>${visible(value).replace(/[^A-Za-z0-9 ,.-]/gu, (c) => `&#${c.codePointAt(0) ?? 0};`)}</code>`;

/** Our own sentences; what could be markup is escaped all the same, for a number or name may have slipped in. */
const sentence = (value: string): string => visible(value).replace(/[^A-Za-z0-9 ,.;:()'/%?!\u2013\u2026\u2192-]/gu, (c) => (c === '\n' ? ' ' : `&#${c.codePointAt(0) ?? 0};`));

/**
 * Markdown of a job summary. Where it would be too long, whole sections go, the least important ones first, and it says so.
 * @param maxBytes of UTF-8
 */
export function renderMarkdown(report: Report, maxBytes = MAX_SUMMARY_BYTES): string {
  const dropped: string[] = [];
  let sections = report.sections;
  for (;;) {
    const rendered = whole(report, sections, dropped);
    if (Buffer.byteLength(rendered) <= maxBytes) return rendered;
    const victim = leastImportant(sections);
    if (!victim) return cut(rendered, maxBytes);
    dropped.push(victim.title);
    sections = sections.filter((section) => section !== victim);
  }
}

function whole(report: Report, sections: readonly Section[], dropped: readonly string[]): string {
  return [
    `## ${signOf(report).sign} ${inline(report.verdict)}`,
    ...(dropped.length > 0 ? [`**Left out of this summary, because GitHub cuts it at 1 MiB:** ${dropped.map(sentence).join(', ')}.`] : []),
    ...sections.map(renderSection),
    ...(report.next.length > 0 ? ['### What to do next', report.next.map((item, at) => `${at + 1}. ${inline(item)}`).join('\n')] : []),
  ].join('\n\n') + '\n';
}

function renderSection({ title, isFolded, blocks }: Section): string {
  const body = blocks.map(renderBlock).filter((block) => block !== '').join('\n\n');
  // Without the blank lines GitHub shows a table inside <details> as text.
  return isFolded ? `<details><summary>${sentence(title)}</summary>\n\n${body}\n\n</details>` : `### ${sentence(title)}\n\n${body}`;
}

function renderBlock(block: Block): string {
  if (block.kind === 'text') return inline(block.text);
  if (block.kind === 'list') return block.items.map((item) => `- ${inline(item)}`).join('\n');
  if (block.kind === 'listing') return fenced(block.language, block.text);
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const isNumeric = block.head.map((_, at) => block.rows.some((cells) => typeof cells[at] === 'number'));
  return [row(block.head.map(sentence)), row(isNumeric.map((numeric) => (numeric ? '---:' : '---'))), ...block.rows.map((cells) => row(cells.map(renderCell)))].join('\n');
}

/** A fence that nothing inside can close; GitHub makes no link, mention or markup inside it. */
export function fenced(language: string, content: string): string {
  const longest = Math.max(2, ...[...content.matchAll(/`+/gu)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${visible(content).replace(/\r\n?/gu, '\n').replace(/[^\P{Cc}\n\t]/gu, '\u{fffd}').trimEnd()}\n${fence}`;
}

const renderCell = (cell: Cell): string => (cell === undefined ? '–' : typeof cell === 'number' ? grouped(cell) : inline(cell));
const inline = (value: Text): string => partsOf(value).map(renderPart).join('');
const renderPart = (part: Part): string => (typeof part === 'string' ? sentence(part) : inlineCode(part.code));

function leastImportant(sections: readonly Section[]): Section | undefined {
  const candidates = sections.filter(({ importance }) => importance > 1);
  const worst = Math.max(0, ...candidates.map(({ importance }) => importance));
  // Of equals the last goes: reports put the summary first and the details behind.
  return candidates.filter(({ importance }) => importance === worst).at(-1);
}

/** Only for a report whose important sections alone are too long: better cut at a line than rejected whole. */
function cut(rendered: string, maxBytes: number): string {
  const notice = '\n\n**Cut here: the report is longer than GitHub accepts.**\n';
  const kept = Buffer.from(rendered).subarray(0, Math.max(0, maxBytes - Buffer.byteLength(notice))).toString('utf8');
  return kept.slice(0, Math.max(0, kept.lastIndexOf('\n'))) + notice;
}
