import { expect, it } from '@jest/globals';
import { failureSummary, fitSummary } from '../../../src/step-summary.js';

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
