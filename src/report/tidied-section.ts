/** What a migration that is given up has left around, and what became of it. */
import { code, counted, list, text, type Section, type Text } from './document.js';

/** `secrets`: versions, delete markers and open uploads. `unreachable`: why the target's DAG row and key cannot be looked at; its DAG file can. */
export type Leftovers = Readonly<{ sourceDag: boolean; targetDag: boolean; grants: boolean; keyGrants: number; secrets: number; keyPair: boolean; unreachable: string | undefined }>;

export const leftoverWords = ({ sourceDag, targetDag, grants, keyGrants, secrets, keyPair }: Leftovers): readonly Text[] => [
  ...(sourceDag ? [['our DAG ', code('db_export'), ' of the source']] : []),
  ...(targetDag ? [['our DAG ', code('db_import'), ' of the target']] : []),
  ...(grants ? ['the statements of the migration bucket\'s policy that let the execution roles in'] : []),
  ...(keyGrants > 0 ? [counted(keyGrants, 'KMS grant')] : []),
  ...(secrets > 0 ? [`the exported secrets: ${counted(secrets, 'object version')}`] : []),
  ...(keyPair ? ['the one-time key pair in two variables of the target'] : []),
];

/** @param found undefined: nobody has looked */
export function tidiedSections(found: Leftovers | undefined): readonly Section[] {
  if (!found) return [];
  const words = leftoverWords(found);
  return [{
    title: 'Cleared away', importance: 1,
    blocks: [
      ...(words.length > 0 ? [list(words)] : [text('Nothing of ours was left: no DAG file, no grant, no exported secret.')]),
      ...(found.unreachable === undefined ? [] : [text('Of the target only the DAG file could be seen to: ', code(found.unreachable), '. What may be left there starts nothing and opens nothing.')]),
    ],
  }];
}
