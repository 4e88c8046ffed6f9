/** The pages for users hold together: links lead to files and headings that there are, docs/README.md finds every page, and what the pages tell GitHub is what GitHub takes. */
import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { readMigrationFile } from '../../../src/migration-file/read.js';
import { repository } from '../../sandbox/act/stage.js';
import { readApiDescription } from '../../sandbox/github/openapi.js';
import { fenced, PAGES, text } from './documents.js';

const below = (folder: string): readonly string[] => readdirSync(path.join(repository, folder), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md')).map((name) => `${folder}/${name}`);
const ALL = ['README.md', 'SECURITY.md', 'CHANGELOG.md', ...below('docs')].filter((name) => existsSync(path.join(repository, name)));

const withoutCode = (page: string): string => text(page).replaceAll(/^ *```[\s\S]*?^ *```$/gmu, '').replaceAll(/`[^`\n]*`/gu, (code) => (code.includes('](') ? '' : code));
/** As GitHub makes them: small letters, blanks to hyphens, other marks gone. */
const anchors = (page: string): readonly string[] => [...text(page).replaceAll(/^ *```[\s\S]*?^ *```$/gmu, '').matchAll(/^#+ (.+)$/gmu)].map(([, title = '']) =>
  title.replaceAll(/\[([^\]]*)\]\([^)]*\)/gu, '$1').toLowerCase().replaceAll(/[^\p{L}\p{N}\- _]/gu, '').trim().replaceAll(' ', '-'));
const links = (page: string): readonly string[] => [...withoutCode(page).matchAll(/\]\(([^()\s]+)\)/gu)].map(([, target = '']) => target).filter((target) => !/^[a-z]+:/u.test(target));

it.each(ALL)('%s links to what there is', (page) => {
  const broken = links(page).filter((link) => {
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? page : path.normalize(path.join(path.dirname(page), file));
    return !existsSync(path.join(repository, target)) || (anchor !== undefined && target.endsWith('.md') && !anchors(target).includes(anchor));
  });
  expect(broken).toEqual([]);
});

it('docs/README.md leads to every page for users', () => {
  const found = links('docs/README.md').map((link) => path.normalize(path.join('docs', link.split('#')[0] ?? '')));
  const wanted = [...below('docs/how-to'), ...below('docs/reference'), ...below('docs/explanation').filter((name) => !name.includes('/decisions/'))];
  expect(wanted.filter((page) => !found.includes(page))).toEqual([]);
});

describe('migration files in the text', () => {
  const files = PAGES.flatMap((page) => fenced(page, 'yaml').filter((body) => /^source:/mu.test(body)).map((body) => ({ page, body })));

  it('there are some', () => expect(files.length).toBeGreaterThan(4));
  it.each(files)('$page: the action takes it', ({ page, body }) => expect(readMigrationFile(body, page).target.environment).toBe('analytics-v2'));
  it.each(['README.md', 'docs/how-to/migrate-by-workflow.md'])('%s: names the old version, else the first check is green for want of it', (page) => {
    expect(fenced(page, 'yaml').filter((body) => /^source:/mu.test(body)).map((body) => readMigrationFile(body, page).source.airflowVersion)).toEqual(['2.7.2']);
  });
});

/** An interactive zsh, as on macOS, takes "# …" behind a command for arguments; aws and gh refuse them. */
it.each(PAGES)('%s has no remark behind a command', (page) => {
  expect(fenced(page, 'sh').flatMap((body) => body.split('\n')).filter((line) => /\S.* # /u.test(line))).toEqual([]);
});

describe('deployments of the roles', () => {
  const { Parameters } = parse(text('docs/iam/roles.yaml'), { logLevel: 'silent' }) as Readonly<{ Parameters: Readonly<Record<string, Readonly<{ AllowedPattern?: string; AllowedValues?: readonly string[] }>>> }>;
  const given = PAGES.flatMap((page) => fenced(page, 'sh').filter((body) => body.includes('roles.yaml')).flatMap((body) => [...body.matchAll(/\b([A-Z]\w+)=([^\s')"]+)/gu)].filter(([, name = '']) => /[a-z]/u.test(name)).map(([, name = '', value = '']) => ({ page, name, value }))));

  it('there are some', () => expect(given.length).toBeGreaterThan(15));
  it.each(given)('$page: $name=$value is what the template takes', ({ name, value }) => {
    expect(Object.keys(Parameters)).toContain(name);
    expect(value).toMatch(new RegExp(`^(?:${Parameters[name]?.AllowedPattern ?? Parameters[name]?.AllowedValues?.join('|') ?? '.*'})$`, 'u'));
  });
});

describe('commands for GitHub', () => {
  const api = readApiDescription();
  const shell = PAGES.flatMap((page) => fenced(page, 'sh').map((body) => ({ page, body })));
  const bodies = shell.flatMap(({ page, body }) => [...body.matchAll(/gh api --method (PUT|POST) "repos\/\$repository\/([^"]+)" --input - <<'?JSON'?\n([\s\S]*?)\nJSON$/gmu)].map(([, method = '', where = '', json = '']) => ({ page, method, where, json })));
  const fields = shell.flatMap(({ page, body }) => [...body.matchAll(/gh api --method (PUT|POST) "repos\/\$repository\/([^"]+)" -f (\w+)=(\S+)$/gmu)].map(([, method = '', where = '', name = '', value = '']) => ({ page, method, where, json: JSON.stringify({ [name]: value }) })));
  const template = (where: string): string => `/repos/{owner}/{repo}/${where.replace(/^environments\/[^/]+/u, 'environments/{environment_name}')}`;

  it('there are some', () => expect([bodies.length, fields.length]).toEqual([2, 1]));

  it.each([...bodies, ...fields])('$page: $method $where is a request that GitHub describes', ({ method, where, json }) => {
    const body: unknown = JSON.parse(json.replaceAll(/\$\w+/gu, '1'));
    expect(api.wrongRequest(method, template(where), new URLSearchParams(), body)).toEqual([]);
  });

  it('start the example workflow with inputs that it has', () => {
    const started = PAGES.flatMap((page) => [...text(page).replaceAll(/ \\\n */gu, ' ').matchAll(/gh workflow run (mwaa-[a-z-]+\.yml)(?: --repo \S+)?((?: -f [a-z-]+=\S+)*)/gu)].map(([, file = '', inputs = '']) => ({ file, inputs: [...inputs.matchAll(/-f ([a-z-]+)=/gu)].map(([, name = '']) => name) })));
    expect(started.length).toBeGreaterThan(2);
    const example: Readonly<Record<string, string>> = { 'mwaa-migrate.yml': 'docs/examples/dispatch-gate.yml', 'mwaa-dry-run.yml': 'docs/examples/dry-run.yml', 'mwaa-rollback.yml': 'docs/examples/rollback.yml' };
    for (const { file, inputs } of started) for (const name of inputs) expect(text(example[file] ?? '')).toMatch(new RegExp(`^      ${name}:$`, 'mu'));
  });
});
