/**
 * Jobs that call our reusable workflows, in the examples and in the text of the how-tos, against the workflows as they are: inputs that there are, of the right
 * type, and permissions that are enough and no more. GitHub refuses the others only when somebody starts them. actionlint and zizmor read the files in `lint`.
 */
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { calledBy, DOCUMENTS, type Declared, type Document, EXAMPLES, type Job, jobsOf, text } from './documents.js';

const calls = jobsOf(({ uses }) => uses !== undefined);
const inputsOf = (on: Document['workflow']['on'], event: 'workflow_call' | 'workflow_dispatch'): Declared => (typeof on === 'object' && on[event]?.inputs) || {};

/** https://docs.github.com/actions/reference/workflows-and-actions/reusing-workflow-configurations#supported-keywords-for-jobs-that-call-a-reusable-workflow, without secrets: ours take none. */
const KEYS = ['name', 'uses', 'with', 'strategy', 'needs', 'if', 'concurrency', 'permissions'];
const LEVELS = ['none', 'read', 'write'];

/** What all jobs of the called workflow ask for together: a caller that grants less stops the run at its start. */
function asked(called: Document['workflow']): Readonly<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const { permissions = {} } of Object.values(called.jobs)) for (const [name, level] of Object.entries(permissions)) if (LEVELS.indexOf(level) > LEVELS.indexOf(all[name] ?? 'none')) all[name] = level;
  return all;
}

/** An excerpt that begins with its jobs takes the inputs of the example that it changes. */
const exampleOf = ({ uses = '' }: Job): Document | undefined => DOCUMENTS.find(({ where }) => where === `docs/examples/${/workflows\/([a-z-]+\.yml)/u.exec(uses)?.[1] ?? ''}`);

/** As GitHub would take it: an expression alone keeps its type, one inside a text is text. */
function typeOf(value: unknown, own: Declared): string {
  if (typeof value !== 'string') return typeof value;
  const input = /^\$\{\{ inputs\.([a-z-]+) \}\}$/u.exec(value)?.[1];
  const type = input === undefined ? 'string' : own[input]?.type ?? 'string';
  return type === 'choice' ? 'string' : type;
}

it('there are some of each workflow, in files and in pages', () => {
  expect(new Set(calls.map(([, , { uses = '' }]) => /workflows\/([a-z-]+)\.yml/u.exec(uses)?.[1]))).toEqual(new Set(['dry-run', 'migrate', 'rollback']));
  expect(calls.filter(([, , , { isWhole }]) => isWhole).length).toBeGreaterThanOrEqual(8);
  expect(calls.filter(([, , , { isWhole }]) => !isWhole).length).toBeGreaterThanOrEqual(2);
});

describe.each(calls)('%s, job %s', (_, __, job, { workflow: { on } }) => {
  const called = calledBy(job), there = inputsOf(called.on, 'workflow_call'), own = inputsOf(on ?? exampleOf(job)?.workflow.on, 'workflow_dispatch');
  const given = job.with ?? {};

  it('has the keys that a calling job may have, and hands on no secret', () => {
    expect(KEYS).toEqual(expect.arrayContaining(Object.keys(job)));
    expect(Object.keys(job)).not.toContain('secrets');
  });

  it('gives inputs that there are, each with its type, and all that are required', () => {
    const wrong = Object.entries(given).filter(([name, value]) => there[name]?.type !== typeOf(value, own)).map(([name, value]) => `${name}: ${typeOf(value, own)} in the place of ${there[name]?.type ?? 'nothing'}`);
    expect(wrong).toEqual([]);
    expect(Object.keys(given)).toEqual(expect.arrayContaining(Object.entries(there).filter(([, { required }]) => required).map(([name]) => name)));
  });

  it('grants what the called jobs ask for together, and no more', () => expect(job.permissions).toEqual(asked(called)));

  it('lets one migration of several fail alone', () => expect(job.strategy?.['fail-fast'] ?? false).toBe(false));
});

describe('runners of one\'s own', () => {
  const server = calls.filter(([where]) => where.endsWith('use-on-github-enterprise-server.md'));

  it('are shown for each workflow of a server, which has no others', () => expect(server.map(([, , { uses = '' }]) => /workflows\/([a-z-]+)\.yml/u.exec(uses)?.[1]).sort()).toEqual(['dry-run', 'migrate', 'rollback']));
  it.each(server)('%s, job %s names them in every input that there is for it', (_, __, job) => {
    const wanted = Object.keys(inputsOf(calledBy(job).on, 'workflow_call')).filter((name) => name.endsWith('runs-on'));
    expect(Object.keys(job.with ?? {})).toEqual(expect.arrayContaining(wanted));
  });
});

it('every migration can be begun in the middle, as the pages tell it', () => {
  const short = calls.filter(([, , { uses = '', with: given = {} }]) => uses.includes('/migrate.yml@') && !['from', 'only'].every((name) => given[name] === `\${{ inputs.${name} }}`));
  expect(short.map(([where]) => where)).toEqual([]);
});

describe('docs/how-to/several-accounts.md', () => {
  const page = calls.filter(([where]) => where.endsWith('several-accounts.md')).map(([, , { with: given = {} }]) => Object.keys(given));
  it('lets the dry run look at the side of the target, and holds the way back to the two accounts', () => expect(page).toEqual([expect.arrayContaining(['target-plan-role']), expect.arrayContaining(['allowed-account-ids'])]));
});

describe.each(DOCUMENTS.filter(({ isWhole }) => isWhole).map((document) => [document.where, document] as const))('%s', (name, { text: source, workflow }) => {
  const own = inputsOf(workflow.on, 'workflow_dispatch');

  it('gives no permission by default', () => expect(workflow.permissions).toEqual({}));

  it('declares the inputs that it reads, describes each, and reads each that it declares', () => {
    const read = new Set([...source.matchAll(/\binputs\.([a-z-]+)/gu)].map(([, input]) => input));
    expect([...read].sort()).toEqual(Object.keys(own).sort());
    for (const { description } of Object.values(own)) expect(description).toMatch(/\.$/u);
  });

  it('reads variables that its pages name', () => {
    const pages = ['docs/how-to/migrate-by-workflow.md', 'docs/how-to/several-accounts.md'].map(text).join('\n');
    for (const [variable = ''] of source.matchAll(/\bMWAA_[A-Z_]+/gu)) expect(pages).toContain(variable);
  });

  it('has nothing to replace but the owner, and what its first lines name', () => {
    const [head = ''] = source.split(/^name:/mu);
    expect(head).toContain('replace OWNER'.replace('replace', head.includes('Replace OWNER') ? 'Replace' : 'replace'));
    if (/\b\d{12}\b/u.test(source)) expect(head).toMatch(/account id/u);
  });

  it('names files that there are', () => {
    for (const [file = ''] of source.matchAll(/docs\/[a-z-]+\/[a-z-]+\.(?:md|yaml|yml)/gu)) expect(text(file).length).toBeGreaterThan(0);
  });

  it('is in the table of the README', () => expect(text('README.md')).toContain(`(${name})`));
});

describe('docs/how-to/migrate-by-workflow.md', () => {
  const [, page = ''] = text('docs/how-to/migrate-by-workflow.md').split('## 5. Run it'), { jobs } = parse(text('.github/workflows/migrate.yml')) as Readonly<{ jobs: Readonly<Record<string, Readonly<{ name: string; environment?: string }>>> }>;
  const rows = [...page.matchAll(/^\| `(?<id>[a-z-]+)` \| (?<name>[^|]+) \|(?<rest>.*)\|$/gmu)].map(({ groups: { id = '', name = '', rest = '' } = {} }) => ({ id, name, environment: rest.split('|').at(-1)?.trim() }));

  it('has every job of the workflow, in its order, as GitHub shows it', () => expect(rows.map(({ id, name }) => [id, name])).toEqual(Object.entries(jobs).map(([id, { name }]) => [id, name])));
  it('says of each whether it is in a GitHub environment', () => expect(rows.map(({ id, environment }) => [id, environment !== '–'])).toEqual(Object.entries(jobs).map(([id, { environment }]) => [id, environment !== undefined])));
});

describe('the order of the gate', () => {
  const migrating = DOCUMENTS.filter(({ workflow }) => Object.values(workflow.jobs).some(({ uses = '' }) => uses.includes('/migrate.yml@')));
  const jobs = (job: (one: Job) => boolean): readonly string[] => migrating.filter(({ isWhole, workflow }) => isWhole && Object.values(workflow.jobs).some(job)).map(({ where }) => where.replace('docs/examples/', ''));

  it('is the approval before the pause wherever nothing else is said', () => expect(jobs(({ with: given = {} }) => given['pause'] === 'before-gate')).toEqual(['pause-before-gate.yml']));
  it('is never switched off', () => expect(migrating.filter(({ text: source }) => source.includes('allow-unprotected-gate'))).toEqual([]));
  it('is a second start in one example, which takes all that such a start names', () => {
    expect(jobs(({ with: given = {} }) => given['gate'] === 'dispatch')).toEqual(['dispatch-gate.yml']);
    const [[, { with: given = {} }] = ['', {}]] = Object.entries(migrating.find(({ where }) => where.endsWith('dispatch-gate.yml'))?.workflow.jobs ?? {});
    for (const name of ['from', 'attempt', 'approved-plan', 'approved-manifest']) expect(given[name]).toBe(`\${{ inputs.${name} }}`);
  });
  it('has a GitHub environment for each migration of one run, because a review counts for all jobs that wait for the same', () => {
    for (const [, , { strategy, with: given = {} }] of calls) if (strategy) expect(String(given['gate-environment'])).toContain('${{ matrix.');
  });
  it('stands beside a way back', () => expect(EXAMPLES).toContain('docs/examples/rollback.yml'));
});
