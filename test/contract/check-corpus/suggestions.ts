/** Applies what findings suggest, as a user would who types it in. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Finding } from './run-check.js';

/** @returns false when these findings have nothing to type in */
export function applySuggestions(repository: string, findings: readonly Finding[]): boolean {
  const withText = findings.filter(({ replacement, file, line }) => replacement && file && line);
  for (const { replacement, file, line, what } of withText) {
    const place = path.join(repository, file ?? ''), lines = readFileSync(place, 'utf8').split('\n');
    const before = lines[(line ?? 1) - 1] ?? '', after = replacement ?? '';
    // An import takes the place of the whole statement, any other text that of the name of which the finding speaks.
    const isStatement = /^(from|import|try:)/u.test(after);
    const name = isStatement ? undefined : before.match(/[A-Za-z_][\w.]*/gu)?.filter((word) => what.includes(word)).sort((a, b) => b.length - a.length)[0];
    if (!isStatement && name === undefined) throw new Error(`${file}:${line} holds no name that "${what}" speaks of`);
    lines[(line ?? 1) - 1] = name === undefined ? `${/^\s*/u.exec(before)?.[0] ?? ''}${after}` : before.replaceAll(new RegExp(`(?<![\\w.])${name.replaceAll('.', '\\.')}(?![\\w.])`, 'gu'), () => after);
    writeFileSync(place, lines.join('\n'));
  }
  return withText.length > 0;
}
