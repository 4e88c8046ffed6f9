/** Reads a spec file: YAML, held against its JSON Schema, all mistakes at once and each with its line. */
import { Ajv, type ErrorObject } from 'ajv';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Document, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { DEFAULT_NETWORK, type EnvironmentSpec, type Spec } from './spec.js';

const DEFAULT_ACCOUNT = '111122223333';

/** The file cannot be used; the message lists every mistake as `file:line:column: what`. */
export class SpecError extends Error {
  override readonly name = 'SpecError';
}

export function readSpec(file: string): Spec {
  if (!existsSync(file)) throw new SpecError(`${file}: there is no such file. Name a spec with --spec FILE; test/sandbox/README.md describes it.`);
  return parseSpec(readFileSync(file, 'utf8'), file);
}

/** @param file for messages, and its folder for paths */
export function parseSpec(text: string, file: string): Spec {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const where = (offset: number | undefined) => {
    const { line, col } = lines.linePos(offset ?? 0);
    return `${file}:${line}:${col}`;
  };
  if (document.errors.length > 0) fail(document.errors.map(({ pos, message }) => `${where(pos[0])}: ${message.split('\n')[0] ?? ''}`));
  const value: unknown = document.toJS();
  const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schema());
  const tell = (mistakes: readonly Sentence[]): never => fail(mistakes
    .map(({ pointer, key, text: sentence }) => ({ offset: offsetOf(document, pointer, key), sentence }))
    .sort((a, b) => (a.offset ?? 0) - (b.offset ?? 0))
    .map(({ offset, sentence }) => `${where(offset)}: ${sentence}`));
  if (!validate(value)) tell(sentences(validate.errors ?? []));
  const spec = complete(value as SpecFile, path.dirname(path.resolve(file)));
  const mistakes = contradictions(spec);
  if (mistakes.length > 0) tell(mistakes);
  return spec;
}

function fail(mistakes: readonly string[]): never {
  throw new SpecError(`The sandbox's spec cannot be used:\n  ${[...new Set(mistakes)].join('\n  ')}\nNothing was started. test/sandbox/README.md describes every key.`);
}

const schema = (): object => JSON.parse(readFileSync(new URL('./spec.schema.json', import.meta.url), 'utf8')) as object;

/** `pointer`: JSON pointer into the file; `key`: the key below it that is wrong itself. */
type Sentence = Readonly<{ pointer: string; key?: string | undefined; text: string }>;

function sentences(errors: readonly ErrorObject[]): readonly Sentence[] {
  // Of a oneOf that fails in every branch, the branches' own complaints contradict each other.
  const choices = errors.filter(({ keyword }) => keyword === 'oneOf').map(({ instancePath }) => instancePath);
  return errors
    .filter(({ keyword, instancePath }) => keyword === 'oneOf' || !choices.some((choice) => instancePath.startsWith(choice)))
    .map(({ instancePath, keyword, message = '', params }) => {
      const name = instancePath.slice(1).replaceAll('/', '.') || 'the file';
      const { additionalProperty: key, allowedValues, missingProperty } = params as Readonly<{ additionalProperty?: string; allowedValues?: readonly string[]; missingProperty?: string }>;
      if (keyword === 'additionalProperties') return { pointer: instancePath, key, text: `${name}: unknown key "${key}"` };
      if (keyword === 'enum') return { pointer: instancePath, text: `${name} must be one of ${allowedValues?.join(', ')}` };
      if (keyword === 'required') return { pointer: instancePath, text: `${name}: "${missingProperty}" is missing` };
      if (keyword === 'oneOf') return { pointer: instancePath, text: `${name} must be "empty", or a map with "fernet-key" (44 characters) and one of "dump", "url", "template"` };
      return { pointer: instancePath, text: `${name} ${message}` };
    });
}

/** Where in the text a JSON pointer (or one key below it) stands; of what is not there, the nearest parent that is. */
function offsetOf(document: Document, pointer: string, key: string | undefined): number | undefined {
  const steps = pointer.split('/').slice(1).map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const step of [...steps, ...(key === undefined ? [] : [key])]) {
    if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = isNode(node) ? node.range?.[0] : offset;
    } else if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === step);
      offset = isScalar(pair?.key) ? pair.key.range?.[0] : offset;
      node = pair?.value;
    }
  }
  return isScalar(node) && key === undefined ? (node.range?.[0] ?? offset) : offset;
}

type EnvironmentFile = Readonly<{
  name: string; account?: string; region?: string; 'airflow-version': string; 'web-server'?: EnvironmentSpec['webServer']; class?: string;
  options?: Readonly<Record<string, string | number | boolean>>; bucket?: string; dags?: string; 'dags-path'?: string; plugins?: string; requirements?: string; 'startup-script'?: string;
  variables?: Readonly<Record<string, unknown>>; connections?: Readonly<Record<string, string>>; pools?: Readonly<Record<string, number>>;
  'kms-key'?: string; tags?: Readonly<Record<string, string>>; 'sync-seconds'?: number; triggerer?: boolean;
  database?: 'empty' | Readonly<{ dump?: string; url?: string; template?: string; 'fernet-key': string }>;
}>;
type SpecFile = Readonly<{
  accounts?: readonly string[]; region?: string; github?: Readonly<{ repository?: string; ref?: string; environment?: string; event?: string; 'workflow-ref'?: string }>;
  iam?: readonly Readonly<{ account?: string; region?: string; template: string; parameters?: Readonly<Record<string, unknown>> }>[];
  keys?: readonly Readonly<{ alias: string; account?: string; region?: string }>[];
  network?: readonly Readonly<{ account?: string; region?: string; vpc: string; subnets: readonly string[]; 'security-groups': readonly string[] }>[];
  delays?: Spec['delays']; 'sync-seconds'?: number; environments: readonly EnvironmentFile[];
}>;

function complete(file: SpecFile, folder: string): Spec {
  const region = file.region ?? 'eu-west-1';
  const named = [...(file.iam ?? []), ...(file.keys ?? []), ...(file.network ?? []), ...file.environments].flatMap(({ account }) => account ?? []);
  const accounts = file.accounts ?? [...new Set(named.length > 0 ? named : [DEFAULT_ACCOUNT])];
  const place = ({ account, region: own }: Readonly<{ account?: string; region?: string }>) => ({ account: account ?? accounts[0] ?? DEFAULT_ACCOUNT, region: own ?? region });
  const at = (name: string | undefined) => (name === undefined ? undefined : path.resolve(folder, name));
  const syncSeconds = file['sync-seconds'] ?? 5;
  const environments = file.environments.map((environment) => completeEnvironment(environment, place(environment), at, syncSeconds));
  const { 'workflow-ref': workflowRef, ...github } = file.github ?? {};
  return {
    accounts, region, syncSeconds,
    github: { ...github, ...(workflowRef === undefined ? {} : { workflowRef }) },
    iam: (file.iam ?? []).map((entry) => ({ ...place(entry), template: path.resolve(folder, entry.template), parameters: texts(entry.parameters) })),
    keys: (file.keys ?? []).map((key) => ({ alias: key.alias, ...place(key) })),
    networks: file.network?.map((network) => ({ ...place(network), vpc: network.vpc, subnets: network.subnets, securityGroups: network['security-groups'] })) ?? [],
    delays: file.delays ?? {},
    environments,
  };
}

function completeEnvironment(file: EnvironmentFile, place: Readonly<{ account: string; region: string }>, at: (name: string | undefined) => string | undefined, syncSeconds: number): EnvironmentSpec {
  const { database } = file;
  const fernetKey = typeof database === 'object' ? database['fernet-key'] : '';
  const begins = (): EnvironmentSpec['database'] => {
    if (typeof database !== 'object') return { kind: 'empty' };
    if (database.dump !== undefined) return { kind: 'dump', file: at(database.dump) ?? '', fernetKey };
    if (database.url !== undefined) return { kind: 'url', url: database.url, fernetKey };
    return { kind: 'template', name: database.template ?? '', fernetKey };
  };
  return {
    ...place, name: file.name, airflowVersion: file['airflow-version'], webServer: file['web-server'] ?? 'PUBLIC_ONLY', class: file.class, options: texts(file.options),
    bucket: file.bucket ?? `mwaa-${file.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}-${place.account}`.slice(0, 63),
    dags: at(file.dags), dagsPath: file['dags-path'] ?? 'dags', plugins: at(file.plugins), requirements: at(file.requirements), startupScript: at(file['startup-script']),
    variables: texts(file.variables), connections: file.connections ?? {}, pools: file.pools ?? {}, kmsKey: file['kms-key'], tags: file.tags ?? {},
    syncSeconds: file['sync-seconds'] ?? syncSeconds, triggerer: file.triggerer ?? false, database: begins(),
  };
}

/** Structures become JSON, as Airflow's own import does it. */
const texts = (values: Readonly<Record<string, unknown>> = {}) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, typeof value === 'object' ? JSON.stringify(value) : String(value)]));

/** What a schema cannot say. */
function contradictions(spec: Spec): readonly Sentence[] {
  const seen = new Set<string>();
  return [
    ...spec.environments.flatMap((environment, index) => {
      const pointer = `/environments/${index}`;
      const { name, account, plugins, requirements, startupScript, dags, database, airflowVersion, connections } = environment;
      const again = seen.has(name);
      seen.add(name);
      const absent = ([['dags', dags], ['plugins', plugins], ['requirements', requirements], ['startup-script', startupScript], ['database/dump', database.kind === 'dump' ? database.file : undefined]] as const)
        .filter(([, file]) => file !== undefined && !existsSync(file)).map(([key, file]) => ({ pointer: `${pointer}/${key}`, text: `environments.${index}.${key.replace('/', '.')}: ${file} does not exist` }));
      return [
        ...absent,
        ...(again ? [{ pointer: `${pointer}/name`, text: `environments.${index}.name: "${name}" is named twice; a sandbox tells environments apart by name` }] : []),
        ...(spec.accounts.includes(account) ? [] : [{ pointer: `${pointer}/account`, text: `environments.${index}.account: ${account} is not among "accounts"` }]),
        ...(airflowVersion.startsWith('1.') && Object.keys(connections).length > 0 ? [{ pointer: `${pointer}/connections`, text: `environments.${index}.connections: Airflow ${airflowVersion} takes them only as process arguments, which would show them; set them in the database dump` }] : []),
      ];
    }),
    ...spec.iam.flatMap(({ template, account }, index) => [
      ...(existsSync(template) ? [] : [{ pointer: `/iam/${index}/template`, text: `iam.${index}.template: ${template} does not exist` }]),
      ...(spec.accounts.includes(account) ? [] : [{ pointer: `/iam/${index}/account`, text: `iam.${index}.account: ${account} is not among "accounts"` }]),
    ]),
  ];
}

/** The spec's VPCs, and the default one in every account and region without. */
export function networksOf(spec: Spec, regions: readonly string[]): Spec['networks'] {
  const missing = spec.accounts.flatMap((account) => regions.map((region) => ({ account, region })))
    .filter((place) => !spec.networks.some(({ account, region }) => account === place.account && region === place.region));
  return [...spec.networks, ...missing.map((place) => ({ ...place, ...DEFAULT_NETWORK }))];
}
