import { code, counted, list, table, text, type Report, type Section, type Text } from './document.js';
import { onward } from './onward.js';

export type CopiedFile = Readonly<{ path: string; version: string | undefined; isCopied: boolean; constraint?: Readonly<{ change: 'kept' | 'added' | 'replaced'; line: string; before: string | undefined }> }>;
export type ResourcesFacts = Readonly<{
  copied: Readonly<{
    dags: Readonly<{ files: number; copied: readonly string[]; unchanged: number; removed: readonly string[]; foreign: readonly string[] }>;
    plugins: CopiedFile | undefined; requirements: CopiedFile | undefined; startupScript: CopiedFile | undefined;
    isThroughRunner: boolean;
  }>;
  isDry: boolean;
  from: string;
  to: string;
}>;

/** Names shown of a long list of files; the rest is counted. */
const SHOWN = 200;

export function resourcesReport({ copied, isDry, from, to }: ResourcesFacts): Report {
  const { dags } = copied;
  const files = [['plugins', copied.plugins], ['requirements', copied.requirements], ['startup script', copied.startupScript]] as const;
  const filesCopied = files.filter(([, file]) => file?.isCopied).length;
  const nothing = dags.copied.length === 0 && filesCopied === 0 && dags.removed.length === 0;
  return {
    verdict: nothing
      ? `Resources are complete: ${counted(dags.files, 'DAG file')}, nothing to copy`
      : `${isDry ? 'Dry run: would copy' : 'Copied'} ${counted(dags.copied.length, 'DAG file')} of ${dags.files} and ${counted(filesCopied, 'other file')}`,
    isGood: true,
    sections: [
      {
        title: 'Files', importance: 1, blocks: [
          text('From ', code(from), ' to ', code(to), '.'),
          table(['What', 'At the target', 'Version', isDry ? 'Would be' : 'Was'], [
            ['DAG files', `${dags.files}`, undefined, `${dags.copied.length} copied, ${dags.unchanged} unchanged`],
            ...files.map(([name, file]) => [name, file ? code(file.path) : 'none on the source', file?.version ? code(file.version) : undefined, file ? (file.isCopied ? 'copied' : 'unchanged') : undefined]),
          ]),
          ...(copied.requirements?.constraint ? [text(...constraintText(copied.requirements.constraint))] : []),
          ...(copied.isThroughRunner ? [text('The target role may not read the source\'s bucket, so the bytes passed through the runner.')] : []),
        ],
      },
      ...names(isDry ? 'Would be removed from the target, because the source no longer has them' : 'Removed from the target, because the source no longer has them', dags.removed, 2),
      ...names('In the target\'s DAG folder, not from the source: left alone', dags.foreign, 2),
      ...names(isDry ? 'DAG files that would be copied' : 'DAG files copied', dags.copied, 3),
    ],
    next: [isDry ? 'Run phase resources without dry-run.' : onward(['create'], 'create')],
  };
}

function constraintText({ change, line, before }: NonNullable<CopiedFile['constraint']>): readonly Exclude<Text, readonly unknown[]>[] {
  if (change === 'added') return ['The requirements had no constraint line; first line now: ', code(line), '. Everything else is as it was, byte by byte.'];
  if (change === 'replaced') return ['Constraint line ', code(before ?? ''), ' replaced by ', code(line), '. Everything else is as it was, byte by byte.'];
  return ['The requirements were copied byte by byte: their constraint line is right, or your own.'];
}

function names(title: string, paths: readonly string[], importance: 2 | 3): readonly Section[] {
  if (paths.length === 0) return [];
  const shown = paths.slice(0, SHOWN).map((path) => code(path));
  return [{ title: `${title} (${paths.length})`, importance, isFolded: true, blocks: [list(paths.length > SHOWN ? [...shown, `and ${paths.length - SHOWN} more`] : shown)] }];
}
