import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** Every code that a finding of the plan is made with, as it stands in the source. */
const made = (): readonly string[] => [...new Set(readdirSync(path.join(root, 'src/plan')).filter((name) => name.endsWith('.ts')).flatMap((name) => {
  const text = readFileSync(path.join(root, 'src/plan', name), 'utf8');
  return [...text.matchAll(/finding\(\s*'([a-z0-9-]+)'/gu)].map(([, code = '']) => code).concat([...text.matchAll(/finding\(`\$\{side\}-([a-z-]+)`/gu)].flatMap(([, rest = '']) => [`source-${rest}`, `target-${rest}`]));
}))].sort();
const documented = (): readonly string[] => readFileSync(path.join(root, 'docs/reference/plan-findings.md'), 'utf8').split('\n').filter((line) => /^\| `/u.test(line))
  .flatMap((line) => [...(line.split(' | ')[0] ?? '').matchAll(/`([a-z0-9-]+)`/gu)].map(([, code = '']) => code)).sort();

describe('the page of findings', () => {
  it('has a line for every code, and none for a code that is not made', () => {
    expect(made().length).toBeGreaterThan(50);
    expect(documented()).toEqual(made());
  });
});
