import { withDocs } from './docs-link.js';
import { grouped, isPlainAddress, signOf, visible, type Block, type Cell, type Part, type Report, type Section, type Text } from './document.js';
import { HTML_STYLE } from './html-style.js';
import { timelineHtml } from './html-timeline.js';

/** One file that needs nothing else, no script and no network, for an artifact, a bucket, a mail or the demo. */
export function renderHtml(report: Report, title: string): string {
  const next = report.next.length > 0 ? `<section class="next">\n<h2>What to do next</h2>\n<ol>${report.next.map((item) => `<li>${inline(item)}</li>`).join('')}</ol>\n</section>` : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(title)}</title>
<style>${HTML_STYLE}</style>
</head>
<body>
<main>
<p class="kind">${escape(title)}</p>
<h1 class="${signOf(report).name}">${signOf(report).sign} ${inline(report.verdict)}</h1>
${[...(report.isNextFirst === true ? [next] : []), ...report.sections.map(renderSection), ...(report.isNextFirst === true ? [] : [next])].filter(Boolean).join('\n')}
</main>
</body>
</html>
`;
}

function renderSection({ title, isFolded, blocks }: Section): string {
  const body = blocks.map((block) => renderBlock(block, title)).join('\n');
  return isFolded ? `<details><summary><h2>${escape(title)}</h2></summary>\n${body}\n</details>` : `<section>\n<h2>${escape(title)}</h2>\n${body}\n</section>`;
}

function renderBlock(block: Block, title: string): string {
  if (block.kind === 'text') return `<p>${inline(block.text)}</p>`;
  if (block.kind === 'list') return `<ul>${block.items.map((item) => `<li>${inline(item)}</li>`).join('')}</ul>`;
  if (block.kind === 'listing') return `<pre tabindex="0"><code>${escapeLines(block.text)}</code></pre>`;
  if (block.kind === 'timeline') return timelineHtml(block, escape);
  const head = block.head.map((name) => (name === '' ? '<td></td>' : `<th scope="col">${escape(name)}</th>`)).join('');
  // What scrolls must be within reach of a keyboard, and say what it is.
  return `<div class="scroll" role="group" aria-label="${escape(title)}" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>${block.rows.map((cells) => `<tr>${cells.map(renderCell).join('')}</tr>`).join('')}</tbody></table></div>`;
}

const renderCell = (cell: Cell): string =>
  typeof cell === 'number' ? `<td class="number">${grouped(cell)}</td>` : `<td>${cell === undefined ? '–' : inline(cell)}</td>`;
const inline = (value: Text): string => withDocs(value).map(renderPart).join('');
function renderPart(part: Part): string {
  if (typeof part === 'string') return escape(part);
  // A time or name of one word stays in one line; it is narrower than the narrowest phone.
  if ('code' in part) return `<code${part.code.length <= 24 && !part.code.includes(' ') ? ' class="s"' : ''}>${escape(part.code)}</code>`;
  return isPlainAddress(part.to) ? `<a href="${part.to}">${escape(part.link)}</a>` : escape(part.link);
}
const escapeLines = (value: string): string => value.split(/\r\n?|\n/u).map(escape).join('\n');
const escape = (value: string): string => visible(value).replace(/[&<>"'`\p{Cc}]/gu, (c) => `&#${c.codePointAt(0) ?? 0};`);
