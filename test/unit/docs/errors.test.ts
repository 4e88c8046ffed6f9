/** docs/reference/errors.md holds what the code says: no code is missing there, and no text is left from an older release. */
import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { documentedBeginnings, documentedCodes } from '../../builders/documented-errors.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const textBelow = (folder: string, ending: string): string =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(ending)).map((name) => readFileSync(path.join(root, folder, name), 'utf8')).join('\n');

describe('docs/reference/errors.md', () => {
  it('explains every code of a refusal inside Airflow, each once, and no other', () => {
    const inCode = new Set([...textBelow('src/dags', '.py').matchAll(/Refusal\(\s*"([a-z-]+)"/gu)].map(([, code = '']) => code));
    expect(inCode.size).toBeGreaterThan(20);
    expect([...documentedCodes()].sort()).toEqual([...inCode].sort());
  });

  // One place of the code must hold all words of a text; a template may choose between some of them.
  const places = `${textBelow('src', '.ts')}\n${readFileSync(path.join(root, 'action.yml'), 'utf8')}`.split('\n');
  it.each(documentedBeginnings())('%s', (beginning) => {
    const words = beginning.match(/[A-Za-z_]{4,}/gu) ?? [];
    expect(words.length).toBeGreaterThan(0);
    expect(places.some((place) => words.every((word) => place.includes(word)))).toBe(true);
  });
});
