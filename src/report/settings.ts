/** Settings (variables, connections, pools) of the source that need a person, and what the migration file says of those that the target has too. */
import type { Manifest } from '../metadata/manifest.js';
import type { OnConflict } from '../migration-file/migration-file.js';
import { code, list, text, type Section } from './document.js';

/** By name: what stays, or arrives otherwise than it is on the source. Airflow 1.10 allows what later releases do not. */
export function settingsToSee({ tables }: Pick<Manifest, 'tables'>): readonly Section[] {
  const section = (title: string, what: string, found: readonly (readonly (string | ReturnType<typeof code>)[])[]): readonly Section[] =>
    found.length === 0 ? [] : [{ title: `${title} (${found.length})`, importance: 1, blocks: [text(what), list(found)] }];
  const named = (of: 'unreadable' | 'repeated') => tables.flatMap(({ name, [of]: rows = [] }) => rows.map((one) => [code(name), ': ', code(one)]));
  return [
    ...section('Cannot be decrypted on the source', 'They were encrypted with a key that the source no longer has. Set them anew on the target.', named('unreadable')),
    ...section('Several rows of one name', 'Airflow 1.10 takes any of them at random; later releases allow one of each name. The newest one moves. These stay, by their id on the source:', named('repeated')),
    ...section(
      'Settings without what the target requires', 'They move with an empty value there. Hooks that look at it fail until it is set on the target:',
      tables.flatMap(({ name, filled = {} }) => Object.entries(filled).flatMap(([column, rows]) => rows.map((one) => [code(name), ': ', code(one), ' has no ', code(column)]))),
    ),
  ];
}

/** What becomes of variables, connections and pools of the target that say something else than the source's. */
export function onConflictInWords(onConflict: OnConflict): string {
  const kinds = (policy: 'keep' | 'replace') => (['variables', 'connections', 'pools'] as const).filter((kind) => onConflict[kind] === policy).join(', ');
  const kept = kinds('keep'), replaced = kinds('replace');
  return [kept && `${kept}: the target's stay, and each that differs is listed`, replaced && `${replaced}: the source's are written over the target's`].filter(Boolean).join('; ');
}
