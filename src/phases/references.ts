import path from 'node:path/posix';
import { UserError } from '../errors.js';
import { lineSearch } from '../plan/references-lines.js';
import { policyReferences } from '../plan/references-policies.js';
import { isLogGroupOf, logGroupPrefix, placeOfSource, placeOfTarget, type References, type Unseen } from '../plan/references.js';
import type { Context } from '../ports.js';
import type { Holder } from '../reference-sources.js';
import { eyesOf, type Survey } from './survey.js';

export type ReferencesContext = Pick<Context, 'inputs' | 'file' | 'plan' | 'source' | 'target' | 'references'>;

/** Looks for what still points at the source. What may not be looked at is said in the result: a plan goes on without it. */
export async function lookForReferences(context: ReferencesContext, seen: Pick<Survey, 'source' | 'target' | 'targetAccount'>): Promise<References> {
  const { file, inputs, references } = context;
  const source = placeOfSource(seen.source, file.source.region), target = placeOfTarget(seen.source, seen.target, file, seen.targetAccount);
  const [lines, policies, logGroups, own] = await Promise.all([
    references.lines(lineSearch(source, hostOf(seen.source.WebserverUrl), [path.normalize(inputs.config)])),
    orUnseen(() => references.policies()),
    orUnseen(() => references.logGroups(logGroupPrefix(source), (name) => isLogGroupOf(source, name))),
    ownRoles(context),
  ]);
  const isOurs = ({ kind, name, arn }: Holder) => kind === 'role' && (arn === source.executionRole || arn === target.executionRole || own.includes(name));
  return { source, target, lines, logGroups, policies: 'unseen' in policies ? policies : policyReferences(policies, source, target, isOurs) };
}

/** The roles of our own template name the source because of their work. The plan role tells the names of the other two. */
async function ownRoles(context: ReferencesContext): Promise<readonly string[]> {
  const name = /:assumed-role\/([^/]+)\//u.exec((await eyesOf(context).source.identity()).arn)?.[1];
  if (name === undefined) return [];
  const prefix = name.endsWith('-plan') ? name.slice(0, -'-plan'.length) : undefined;
  return [name, ...(prefix === undefined ? [] : [`${prefix}-source`, `${prefix}-target`])];
}

async function orUnseen<T>(look: () => Promise<T>): Promise<T | Unseen> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { unseen: error.what };
  }
}

/** MWAA gives the host bare; self-managed ones may come with a scheme. An address of numbers, or localhost, is not one environment's. */
const hostOf = (url: string | undefined): string | undefined => {
  const host = url?.replace(/^https?:\/\//u, '').replace(/[/:].*$/u, '');
  return host && /[a-z]\./iu.test(host) ? host : undefined;
};
