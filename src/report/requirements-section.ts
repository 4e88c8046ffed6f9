/** Packages on the target: what the image brings in another version, and what of requirements.txt its constraints refuse. */
import type { Plan } from '../plan/plan.js';
import { code, table, text, type Section } from './document.js';

const KIND = { conflict: 'pinned otherwise', airflow: 'Airflow itself', backport: 'for Airflow 1.10 only', gone: 'not in the constraints any more' } as const;

export function requirementSections({ requirements, versions, decisions }: Pick<Plan, 'requirements' | 'versions' | 'decisions'>): readonly Section[] {
  const file = decisions.resources.target.requirements;
  // One column more only where the road has several versions.
  const isOneVersion = decisions.road.upgrades.length === 0;
  return [
    ...(file === undefined ? [] : [{
      title: requirements === undefined ? 'requirements.txt was not read' : `requirements.txt: ${requirements.length === 0 ? 'nothing speaks against it' : `${requirements.length} to repair`}`, importance: requirements?.length === 0 ? 3 as const : 1 as const,
      blocks: requirements === undefined || requirements.length === 0
        ? [text(requirements === undefined ? 'The plan role may not read it, or it is gone: packages that the target refuses are seen only when it starts.' : 'No line contradicts the target\'s constraints as far as the text tells; whether everything can be installed only an installation proves.')]
        : [table(['Line', 'Says', ...(isOneVersion ? [] : ['On']), 'What', 'Why', 'What to do'], requirements.map(({ line, text: said, on, kind, why, fix }) => [line, code(said), ...(isOneVersion ? [] : [code(on)]), KIND[kind], code(why), code(fix)])), text('MWAA starts the environment although its requirements cannot be installed; the DAGs that need them fail then.')],
    }]),
    ...(versions.length === 0 ? [] : [{
      title: `Python and packages in another version${decisions.road.upgrades.length > 0 ? ` on Airflow ${decisions.road.upgrades.at(-1) ?? ''}` : ''} (${versions.length})`, importance: 2 as const, isFolded: true,
      blocks: [table(['Package', 'Source', 'Target'], versions.map(({ name, was, is }) => [code(name), was === undefined ? undefined : code(was), is === undefined ? undefined : code(is)]))],
    }]),
  ];
}
