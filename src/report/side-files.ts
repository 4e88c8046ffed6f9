/** Where to find rows that an export had to leave though nobody chose so. */
import type { Manifest } from '../metadata/manifest.js';
import { code, list, text, type Block } from './document.js';

/** @returns no block where there is no such row; keys are of the migration bucket */
export function sideFileBlocks(tables: Manifest['tables']): readonly Block[] {
  const files = tables.flatMap(({ leftOutFile }) => (leftOutFile ? [leftOutFile] : []));
  if (files.length === 0) return [];
  return [
    text('Rows that belong to nothing, have no key or repeat one are those that Airflow\'s own upgrade stops at or sets aside. They stand in the migration bucket as the source has them, each behind its reason:'),
    list(files.map(({ key, rows }) => [code(key), `: ${rows}`])),
  ];
}
