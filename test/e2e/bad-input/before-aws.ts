/** Inputs, the migration file and Node: refused before anything is called. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Row } from './row.js';

const NOTHING_CALLED = ['nothing was called'];
const FILE = '.github/mwaa-migration.yml';
const WITH_BLOCK = ['"with:" block', 'docs/reference/inputs.md'];
const THE_FILE = ['correct the file', 'docs/reference/migration-file.md'];

/** A folder whose `node` only tells this version, as an old runner's would. */
function oldNode(version: string) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'old-node-'));
  writeFileSync(path.join(folder, 'node'), `#!/bin/sh\necho ${version}\n`);
  chmodSync(path.join(folder, 'node'), 0o755);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
const old = { folder: '' };

const fileRow = (name: string, file: Row['file'], what: readonly string[]): Row =>
  ({ name, phase: 'plan', ...(file === undefined ? {} : { file }), what, why: NOTHING_CALLED, fix: THE_FILE, calls: 'none' });
const inputRow = (name: string, phase: string, inputs: Readonly<Record<string, string>>, what: readonly string[]): Row =>
  ({ name, phase, inputs, what: ['Invalid inputs:', ...what], why: NOTHING_CALLED, fix: WITH_BLOCK, calls: 'none' });

export const BEFORE_AWS: readonly Row[] = [
  inputRow('an unknown phase', 'exprot', {}, ['phase: "exprot" is no phase (did you mean "export"?); known: check, plan, resources, create, export, import,']),
  inputRow('contradictory inputs, all of them at once', 'plan', { mode: 'final', attempt: '2', 'approved-plan': 'a'.repeat(64) },
    ['only "export", "gate", "rollback" have a mode, "plan" has none', '"plan" belongs to no attempt', '"plan" makes the digest and takes none']),
  inputRow('texts that are no number, role or digest', 'import', { 'timeout-minutes': 'soon', 'source-role': 'mwaa-migrate-source', 'approved-manifest': 'abc' },
    ['timeout-minutes: "soon" is not a number from 1 to 7200', 'source-role: "mwaa-migrate-source" is no role ARN (arn:aws:iam::<account>:role/<name>)', 'approved-manifest: it is no digest']),
  {
    name: 'a phase of a later release', phase: 'upgrade', calls: 'none',
    what: ['Phase "upgrade" is not part of this release.'], why: ['doing nothing and ending green would look like done'], fix: ['plan, resources, create, export, import, verify, cutover, rollback, status'],
  },
  {
    name: 'a migration file that is not there', phase: 'plan', inputs: { config: '.github/migration.yml' }, calls: 'none',
    what: ['Input config: there is no file ".github/migration.yml" in '], why: ['which environments to move'], fix: ['actions/checkout', 'correct the path'],
  },
  {
    name: 'a migration file outside the repository', phase: 'plan', inputs: { config: '../../etc/passwd' }, calls: 'none',
    what: ['Input config: "../../etc/passwd" lies outside the workspace'], why: ['reviewed repository'], fix: ['put the file into the repository'],
  },
  fileRow('a file that is not YAML', 'source: { environment: analytics\ntarget: [\n', [`${FILE}:2:1: this is no YAML: `]),
  fileRow('an empty file', '# nothing yet\n', [`${FILE}:1:1: the file is empty; it needs at least source and target`]),
  fileRow('a misspelt key', 'source:\n  enviroment: analytics\n  region: eu-west-1\ntarget: { environment: analytics-v2, airflow-version: 2.10.3 }\n',
    [`${FILE}:2:3: unknown key "enviroment" in source (did you mean "environment"?); allowed: environment, region`, 'source.environment is missing']),
  fileRow('a wrong type', 'source: { environment: analytics, region: eu-west-1 }\ntarget:\n  environment: analytics-v2\n  airflow-version: 2.10\ndrain:\n  timeout-minutes: soon\n',
    [`${FILE}:4:20: target.airflow-version: 2.1 is not allowed as a number: put it in quotes`, `${FILE}:6:20: drain.timeout-minutes: "soon" is not allowed; allowed: a whole number from 0 to 1440`]),
  fileRow('the source as its own target', { target: { environment: 'analytics', 'airflow-version': '2.10.3' } }, ['target.environment: it is the source itself']),
  {
    name: 'a version that a later release reaches', phase: 'resources', file: { target: { environment: 'analytics-v2', 'airflow-version': '3.0.6' } }, calls: 'none',
    what: ['Phase resources does not go to Airflow 3.0.6: the way there', 'is not part of this release'], why: NOTHING_CALLED, fix: ['set target.airflow-version to a version up to 2.11.2', 'phases check and plan show the whole road'],
  },
  {
    name: 'an old Node.js', phase: 'plan', calls: 'none',
    prepare: () => {
      const made = oldNode('v18.20.0');
      old.folder = made.folder;
      return made.remove;
    },
    late: () => ({ more: { nodeFolder: old.folder } }),
    what: ['v18.20.0 is on the PATH of this runner; mwaa-migrate needs Node.js 20 or newer'], why: NOTHING_CALLED, fix: ['actions/setup-node'],
  },
  {
    name: 'no Node.js at all', phase: 'plan', calls: 'none', late: () => ({ more: { nodeFolder: '' } }),
    what: ['No node is on the PATH of this runner; mwaa-migrate needs Node.js 20 or newer'], why: NOTHING_CALLED, fix: ['actions/setup-node'],
  },
];
