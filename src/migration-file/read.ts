/** The migration file's text → its value with defaults, or every mistake in it with line and column. */
import { LineCounter, parseDocument, type Document } from 'yaml';
import { UserError } from '../errors.js';
import { withDefaults } from './defaults.js';
import type { MigrationFile } from './migration-file.js';
import { mistakesIn, type Mistake } from './validate.js';

/**
 * @param location as the user knows the file, for messages: .github/mwaa-migration.yml
 * @throws UserError with all mistakes
 */
export function readMigrationFile(text: string, location: string): MigrationFile {
  const lines = new LineCounter();
  // Aliases are expanded at most 100 times: a small file must not become a large one.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${location}:${line}:${col}`;
  };
  const broken = document.errors.map(({ message, pos }) => `${at(pos[0])}: this is no YAML: ${message.split('\n')[0] ?? message}`);
  if (broken.length > 0) throw refuse(broken);
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse([`${at(0)}: the file is ${value === null || value === undefined ? 'empty' : 'no list of keys'}; it needs at least source and target`]);
  const mistakes = mistakesIn(value).map((mistake) => ({ offset: offsetOf(document, mistake), text: mistake.text }));
  if (mistakes.length > 0) throw refuse([...mistakes].sort((a, b) => a.offset - b.offset).map(({ offset, text: said }) => `${at(offset)}: ${said}`));
  const file = withDefaults(value as Readonly<Record<string, unknown>>);
  const contradictions = contradictionsIn(file).map(({ path, text: said }) => `${at(offsetOf(document, { path, text: said }))}: ${said}`);
  if (contradictions.length > 0) throw refuse(contradictions);
  return file;
}

/** What no schema can say. */
function contradictionsIn(file: MigrationFile): readonly Mistake[] {
  const { source, target } = file;
  const major = Number(target.airflowVersion.split('.')[0]);
  return [
    source.environment === target.environment && source.region === target.region
      ? [{ path: ['target', 'environment'], text: 'target.environment: it is the source itself; the target is a new environment with a name of its own' }]
      : [],
    major < 2 ? [{ path: ['target', 'airflow-version'], text: `target.airflow-version: ${target.airflowVersion} cannot be created on MWAA any more` }] : [],
  ].flat();
}

/** Where the key (or value) of a mistake stands; of the nearest thing around it that has a place. */
function offsetOf(document: Document, { path, onKey }: Mistake): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent: unknown = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    const pair = itemsOf(parent).find((item) => scalarOf(item.key) === key);
    if (pair) return rangeOf(onKey === false && length === path.length ? (pair.value ?? pair.key) : pair.key);
    const entry: unknown = document.getIn(path.slice(0, length), true);
    if (hasRange(entry)) return rangeOf(entry);
  }
  return 0;
}

type Item = Readonly<{ key: unknown; value: unknown }>;
const itemsOf = (node: unknown): readonly Item[] => {
  const items = typeof node === 'object' && node !== null ? (node as { items?: unknown }).items : undefined;
  return Array.isArray(items) ? items.filter((item): item is Item => typeof item === 'object' && item !== null && 'key' in item) : [];
};
const scalarOf = (node: unknown): unknown => (typeof node === 'object' && node !== null && 'value' in node ? String(node.value) : node);
const hasRange = (node: unknown): node is { range: readonly number[] } => typeof node === 'object' && node !== null && Array.isArray((node as { range?: unknown }).range);
const rangeOf = (node: unknown): number => (hasRange(node) ? (node.range[0] ?? 0) : 0);

const refuse = (mistakes: readonly string[]): UserError =>
  new UserError(
    `The migration file has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:\n  - ${mistakes.join('\n  - ')}`,
    'a guess could move something else than you meant, so nothing was called.',
    'correct the file; docs/reference/migration-file.md describes every key, and the schema named there lets an editor check it.',
  );
