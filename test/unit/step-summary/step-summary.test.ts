import { expect, it } from '@jest/globals';
import { failureSummary, fitSummary, headline } from '../../../src/step-summary.js';

it('leaves a summary that fits as it is', () => expect(fitSummary('| ä |\n')).toBe('| ä |\n'));

it('cuts a longer one at the end of a line, below 1 MiB with its line end, and says so', () => {
  const line = `| ${'ä'.repeat(500)} |`;
  const cut = fitSummary(Array.from({ length: 2_000 }, () => line).join('\n'));
  expect(Buffer.byteLength(`${cut}\n`)).toBeLessThanOrEqual(1024 * 1024);
  expect(Buffer.byteLength(cut)).toBeGreaterThan(1024 * 1024 - 2_048);
  expect(cut).toContain('output `report`');
  expect(cut.split('\n').filter((one) => one.startsWith('|')).every((one) => one === line)).toBe(true);
});

it('shows a failure inert', () => expect(failureSummary('plan', 'a </pre><script>')).toBe('## Phase plan failed\n\n<pre>a &lt;/pre&gt;&lt;script&gt;</pre>'));

it.each([
  { markdown: '## ✅ 5 of 5 DAGs are active on <code>v&#95;2</code>\n\ntext', is: '✅ 5 of 5 DAGs are active on v_2', because: 'code and character references are for Markdown' },
  { markdown: '## a<code>&#10;::error::b</code>', is: 'a ::error::b', because: 'a name must not begin a line of its own: the runner would take it for a command' },
  { markdown: 'no heading', is: '', because: 'there is no verdict' },
])('takes the headline "$is" from a summary: $because', ({ markdown, is }) => expect(headline(markdown)).toBe(is));
