import { grouped, partsOf, signOf, visible, type Block, type Cell, type Part, type Report, type Section, type Text } from './document.js';

/** One file that needs nothing else, no script and no network, for an artifact, a mail or the demo. */
export function renderHtml(report: Report, title: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<p class="kind">${escape(title)}</p>
<h1 class="${signOf(report).name}">${signOf(report).sign} ${inline(report.verdict)}</h1>
${report.sections.map(renderSection).join('\n')}
${report.next.length > 0 ? `<h2>What to do next</h2>\n<ol>${report.next.map((item) => `<li>${inline(item)}</li>`).join('')}</ol>` : ''}
</main>
</body>
</html>
`;
}

const STYLE = `
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 }
main { max-width: 64rem; margin: 2rem auto; padding: 0 1rem }
.kind { opacity: .7; margin: 0 }
h1 { font-size: 1.5rem; margin: .2rem 0 1rem; padding-left: .8rem; border-left: .4rem solid }
h1.good { border-color: #2da44e } h1.care { border-color: #bf8700 } h1.bad { border-color: #cf222e }
table { border-collapse: collapse; display: block; overflow-x: auto }
th, td { border: 1px solid #8884; padding: .3rem .6rem; text-align: left }
td.number { text-align: right; font-variant-numeric: tabular-nums }
pre { background: #8882; border-radius: .2rem; padding: .6rem; overflow-x: auto } pre code { background: none; padding: 0; overflow-wrap: normal }
code { background: #8882; border-radius: .2rem; padding: 0 .25rem; overflow-wrap: anywhere }
summary { cursor: pointer; font-weight: 600; margin: 1rem 0 .5rem }
`;

function renderSection({ title, isFolded, blocks }: Section): string {
  const body = blocks.map(renderBlock).join('\n');
  return isFolded ? `<details><summary>${escape(title)}</summary>\n${body}\n</details>` : `<h2>${escape(title)}</h2>\n${body}`;
}

function renderBlock(block: Block): string {
  if (block.kind === 'text') return `<p>${inline(block.text)}</p>`;
  if (block.kind === 'list') return `<ul>${block.items.map((item) => `<li>${inline(item)}</li>`).join('')}</ul>`;
  if (block.kind === 'listing') return `<pre><code>${escapeLines(block.text)}</code></pre>`;
  const head = block.head.map((name) => `<th>${escape(name)}</th>`).join('');
  return `<table><thead><tr>${head}</tr></thead><tbody>${block.rows.map((cells) => `<tr>${cells.map(renderCell).join('')}</tr>`).join('')}</tbody></table>`;
}

const renderCell = (cell: Cell): string =>
  typeof cell === 'number' ? `<td class="number">${grouped(cell)}</td>` : `<td>${cell === undefined ? '–' : inline(cell)}</td>`;
const inline = (value: Text): string => partsOf(value).map(renderPart).join('');
const renderPart = (part: Part): string => (typeof part === 'string' ? escape(part) : `<code>${escape(part.code)}</code>`);
const escapeLines = (value: string): string => value.split(/\r\n?|\n/u).map(escape).join('\n');
const escape = (value: string): string => visible(value).replace(/[&<>"'`\p{Cc}]/gu, (c) => `&#${c.codePointAt(0) ?? 0};`);
