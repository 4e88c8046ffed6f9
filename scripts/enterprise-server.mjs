/**
 * Rewrites the reusable workflows of this copy of the repository for GitHub Enterprise Server; docs/how-to/use-on-github-enterprise-server.md says why.
 * `node scripts/enterprise-server.mjs --owner octo-org --ref v1` changes .github/workflows in place; a second run changes nothing. Needs no package.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const workflows = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), '.github', 'workflows');
export const REUSABLE = ['dry-run.yml', 'migrate.yml', 'rollback.yml'];

/** Tags, for a server has the actions of its own release only. Of the artifact actions the last major that a server can serve; v3.2.2 and later run on Node.js 24 like the others. */
const MAJORS = { checkout: 'v5', 'setup-python': 'v6', 'upload-artifact': 'v3', 'download-artifact': 'v3' };

/**
 * @param text of one workflow @param owner whose copy it is @param ref tag or branch of that copy
 * @throws Error for an action that has no major here: better no copy than one that stops half-way through a migration
 */
export function forServer(text, owner, ref) {
  return text
    .replaceAll(/(uses: )(?:\$|[\w.-]+\/mwaa-migrate)(\/\.github\/actions\/[\w-]+)(?:@\S+)?/gu, (_, uses, action) => `${uses}${owner}/mwaa-migrate${action}@${ref}`)
    .replaceAll(/(uses: actions\/)([\w-]+)@[^\n]*/gu, (_, uses, name) => {
      if (!MAJORS[name]) throw new Error(`No major of actions/${name} is known for GitHub Enterprise Server: add it to scripts/enterprise-server.mjs.`);
      return `${uses}${name}@${MAJORS[name]}`;
    })
    // v3 tells no id of an artifact, and fetches it by its name; a later upload of that name replaces the earlier one by itself.
    .replaceAll('artifact-id: ${{ steps.upload.outputs.artifact-id }}', 'artifact-id: mwaa-migrate-check-${{ steps.check.outputs.migration-id }}')
    .replaceAll('artifact-ids: ', 'name: ')
    .replaceAll(/^ *overwrite: true\n/gmu, '');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { owner: { type: 'string' }, ref: { type: 'string', default: 'v1' } } });
  if (!/^[\w.-]+$/u.test(values.owner ?? '') || !/^[\w./-]+$/u.test(values.ref)) {
    console.error('Usage: node scripts/enterprise-server.mjs --owner <organization of the copy> [--ref <its tag or branch, default v1>]');
    process.exit(1);
  }
  for (const name of REUSABLE) {
    const file = path.join(workflows, name), before = readFileSync(file, 'utf8'), after = forServer(before, values.owner, values.ref);
    if (after !== before) writeFileSync(file, after);
    console.log(`${after === before ? 'as it was' : 'rewritten'}  .github/workflows/${name}`);
  }
}
