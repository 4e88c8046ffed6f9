/** docs/reference/check-findings.md explains every code that phase check can find, each once, and no other. */
import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const textOf = (folder: string, ending: string): string => readdirSync(path.join(root, folder)).filter((name) => name.endsWith(ending)).map((name) => readFileSync(path.join(root, folder, name), 'utf8')).join('\n');
const matches = (text: string, pattern: RegExp): readonly string[] => [...text.matchAll(pattern)].map(([, code = '']) => code);

/** Python: the first argument of Finding. TypeScript: texts that begin as our codes do; and the two that are put together. */
const inPython = matches(textOf('src/check/python', '.py'), /Finding\(\s*"([a-z0-9-]+)"/gu);
const inTypeScript = [/'((?:dag|plugin|plugins|import|requirements|no-dag)-[a-z-]+|check-incomplete)'/gu, /\bcode: '([a-z0-9-]+)', level:/gu].flatMap((pattern) => matches(textOf('src/check', '.ts'), pattern));
const READS = ['variable-at-parse', 'connection-at-parse'];

describe('docs/reference/check-findings.md', () => {
  it('explains every code, each once, and no other', () => {
    const documented = matches(readFileSync(path.join(root, 'docs/reference/check-findings.md'), 'utf8'), /^\| `([a-z0-9-]+)` \|/gmu);
    expect(inPython.length).toBeGreaterThan(20);
    expect(textOf('src/check', '.ts')).toContain('${read.kind}-at-parse');
    expect([...documented].sort()).toEqual([...new Set([...inPython, ...inTypeScript, ...READS])].sort());
  });
});
