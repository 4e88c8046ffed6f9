/**
 * Writes everything that repeats the interface, from its truths: action.yml (inputs, outputs), the reusable workflows,
 * src/migration-file/schema.json, the schemas of the files that phases write, and the table catalogue.
 * `node scripts/interfaces.mjs` writes, `--check` only compares and fails on a difference; a second run changes nothing.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const read = (name) => readFileSync(path.join(root, name), 'utf8');
const readIfThere = (name) => {
  try {
    return read(name);
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
};

/** One cell of a Markdown table. */
const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ');
const table = (head, rows) => [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
const quote = (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** Replaces what stands between `<!-- name:begin -->` and `<!-- name:end -->`. @throws Error when the file lacks the marks */
function between(text, name, content, file) {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  if (!text.includes(begin) || !text.includes(end)) throw new Error(`${file} lacks the marks ${begin} and ${end}`);
  return text.replace(new RegExp(`${begin}[\\s\\S]*?${end}`), () => `${begin}\n${content}\n${end}`);
}

export function inputsTable({ inputs }) {
  return table(['Input', 'Default', 'Meaning'], Object.entries(inputs).map(([name, { description, required, default: value }]) =>
    [`\`${name}\``, required ? '**required**' : value === undefined || value === '' ? 'empty' : `\`${value}\``, cell(description)]));
}
export function outputsTable({ outputs }) {
  return table(['Output', 'Meaning'], Object.entries(outputs).map(([name, { description }]) => [`\`${name}\``, cell(description)]));
}

/** What each job of a reusable workflow does, and what it may: `{jobs}` as in the workflow's file. */
export function jobsTable({ jobs }) {
  const listed = (values) => values.map((value) => `\`${value}\``).join(', ') || 'none';
  return table(['Job', 'Phase', 'Roles', 'GitHub environment', 'Permissions', 'One at a time'], Object.entries(jobs).map(([id, { environment, permissions, concurrency, steps }]) => {
    const { phase, mode, ...given } = steps.find(({ uses }) => uses?.startsWith('$/')).with;
    const named = environment === undefined ? 'none' : listed([...environment.matchAll(/inputs\.((?:\w+-)?environment)\b/gu)].map(([, name]) => name).reverse());
    return [`\`${id}\``, mode ? `\`${phase}\`, \`${mode}\`` : `\`${phase}\``, listed(Object.keys(given).filter((name) => name.endsWith('-role'))), named, listed(Object.entries(permissions).map((entry) => entry.join(': '))), concurrency ? 'yes' : 'no'];
  }));
}

/** The table catalogue: what each table's rows are known by, and which columns do not arrive as they are. @throws Error for a rule that nothing explains */
export function tablesTable(tables, rules) {
  const listed = (names) => names.map((name) => `\`${name}\``).join(', ');
  const told = (rule) => {
    const [name, ...rest] = rule.split(':'), value = rest.join(':');
    if (!rules[name]) throw new Error(`src/metadata/rules.json does not explain ${name}`);
    return name === 'default' ? `default ${value === '' ? 'empty' : value}` : name;
  };
  return table(['Table', 'Rows are the same by', 'Hangs on', 'Columns by rule', 'Governed by'], tables.map(({ name, merge, key, otherKeys, parent, rules: own, option }) => {
    const byRule = new Map();
    for (const [column, rule] of Object.entries(own)) byRule.set(told(rule), [...(byRule.get(told(rule)) ?? []), column]);
    return [`\`${name}\``, merge === 'multiset' ? 'all they hold: as many as the source has' : [key, ...otherKeys].map(listed).join('; also '), parent ? `\`${parent}\`` : '',
      [...byRule].map(([rule, columns]) => `${rule}: ${listed(columns)}`).join('; '), option];
  }));
}
export function rulesTable(rules) {
  return table(['Rule', 'On the target', 'Why'], Object.entries(rules).map(([name, { becomes, why }]) => [name, cell(becomes), cell(why)]));
}

/** Names and defaults for TypeScript. Expressions (`${{ … }}`) are GitHub's to resolve: by hand, such an input is empty. */
export function interfaceModule({ inputs, outputs }) {
  const entries = Object.entries(inputs).map(([name, { default: value }]) => `  ${quote(name)}: ${quote(String(value ?? '').startsWith('${{') ? '' : String(value ?? ''))},`);
  return `/** Made by scripts/interfaces.mjs from action.yml: change it there. */

/** Every input with the value it has when a step does not give one. */
export const INPUT_DEFAULTS = {
${entries.join('\n')}
} as const;

export const OUTPUT_NAMES = [${Object.keys(outputs).map(quote).join(', ')}] as const;

export type InputName = keyof typeof INPUT_DEFAULTS;
export type OutputName = (typeof OUTPUT_NAMES)[number];
`;
}

/** The reusable workflows call it as $/.github/actions/phase: the same commit as the workflow. Only the way to dist differs. */
export function twin(action) {
  const own = '"$GITHUB_ACTION_PATH/dist/index.js"';
  if (!action.includes(own)) throw new Error(`action.yml does not start ${own}`);
  const [, ...body] = action.split(/^(?=name: )/m);
  return `# Made by scripts/interfaces.mjs from the action.yml in the root: change it there.\n${body.join('').replace(own, '"$GITHUB_ACTION_PATH/../../../dist/index.js"')}`;
}

/** Keys of the migration file, in the order of the schema. */
export function keysTable(schema) {
  const rows = [];
  const walk = (node, prefix, requiredKeys) => {
    for (const [key, value] of Object.entries(node.properties ?? {})) {
      const name = `${prefix}${key}`;
      if (value.properties) {
        walk(value, `${name}.`, value.required ?? []);
        continue;
      }
      const fallback = requiredKeys.includes(key) ? '**required**' : value.default === undefined ? value['x-default'] ?? '–' : `\`${JSON.stringify(value.default)}\``;
      rows.push([`\`${name}\``, allowed(value), fallback, cell(value.description ?? '')]);
    }
  };
  walk(schema, '', schema.required ?? []);
  return table(['Key', 'Values', 'Default', 'Meaning'], rows);
}
function allowed(value) {
  if (value['x-later']) return 'later';
  if (value.enum) return value.enum.map((one) => `\`${one}\``).join(', ');
  if (value.anyOf) return value.anyOf.map(allowed).join(' or ');
  if (value.const !== undefined) return `\`${value.const}\``;
  if (value.type === 'integer') return `${value.minimum} to ${value.maximum}`;
  if (value.type === 'array') return 'list of texts';
  if (value.type === 'object') return 'keys and values';
  return value.type === 'boolean' ? '`true`, `false`' : 'text';
}

export function generate() {
  const actionText = read('action.yml');
  const action = parse(actionText);
  const schema = JSON.parse(read('src/migration-file/schema.json'));
  const files = {
    'src/interface.ts': interfaceModule(action),
    '.github/actions/phase/action.yml': twin(actionText),
    'docs/reference/mwaa-migration.schema.json': `${JSON.stringify(schema, undefined, 2)}\n`,
    'docs/reference/check.schema.json': read('src/check/check-report.schema.json'),
    'docs/reference/plan.schema.json': read('src/plan/plan.schema.json'),
  };
  const marked = { 'docs/reference/inputs.md': ['inputs', inputsTable(action)], 'docs/reference/outputs.md': ['outputs', outputsTable(action)], 'docs/reference/migration-file.md': ['keys', keysTable(schema)] };
  const catalogue = JSON.parse(read('src/metadata/tables.json')), rules = JSON.parse(read('src/metadata/rules.json'));
  for (const [file, [name, content]] of Object.entries(marked)) files[file] = between(read(file), name, content, file);
  const tables = 'docs/reference/tables.md';
  files[tables] = between(between(read(tables), 'tables', tablesTable(catalogue, rules), tables), 'rules', rulesTable(rules), tables);
  for (const [workflow, page] of Object.entries({ 'dry-run': 'docs/reference/dry-run.md', migrate: 'docs/reference/migrate-workflow.md', rollback: 'docs/reference/rollback-workflow.md' })) {
    const { on: { workflow_call: called }, jobs } = parse(read(`.github/workflows/${workflow}.yml`));
    const generated = { inputs: inputsTable(called), outputs: outputsTable(called), jobs: jobsTable({ jobs }) };
    files[page] = Object.entries(generated).reduce((text, [name, content]) => between(text, name, content, page), read(page));
  }
  return files;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const changed = Object.entries(generate()).filter(([name, text]) => readIfThere(name) !== text);
  if (process.argv.includes('--check')) {
    if (changed.length > 0) {
      console.error(`Not what their truths say: ${changed.map(([name]) => name).join(', ')}. Run: node scripts/interfaces.mjs`);
      process.exitCode = 1;
    } else console.log('The interface is the same everywhere.');
  } else {
    for (const [name, text] of changed) {
      mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
      writeFileSync(path.join(root, name), text);
      console.log(`wrote ${name}`);
    }
    if (changed.length === 0) console.log('nothing to change');
  }
}
