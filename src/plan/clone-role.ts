/** An execution role for the target, made from the source's: the same rights, on the target's names. */
import type { RoleDescription } from '../ports.js';
import { canonicalJson } from './canonical.js';

export type Names = Readonly<{
  partition: string;
  source: Readonly<{ environment: string; region: string; account: string; bucket: string; dags: string }>;
  target: Readonly<{ environment: string; region: string; account: string; bucket: string; dags: string }>;
  roleName: string;
}>;

export type ClonedRole = Readonly<{
  name: string;
  trustPolicy: unknown;
  inlinePolicies: Readonly<Record<string, unknown>>;
  /** Managed policies that are attached as they are. */
  attached: readonly string[];
  boundary: string | undefined;
  /** What was rewritten: a name of the source → the target's. */
  rewritten: readonly Readonly<{ policy: string; before: string; after: string }>[];
  /** Statements that still name the source, or rights that could not be carried over; each is a sentence for a person. */
  warnings: readonly string[];
}>;

/** All inline policies of a role together, white space not counted: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const MAX_INLINE_CHARACTERS = 10_240;

export function cloneRole(source: RoleDescription, names: Names): ClonedRole {
  const rewritten: { policy: string; before: string; after: string }[] = [];
  const warnings: string[] = [];
  const rewriteDocument = (policy: string, document: unknown) => mapStrings(document, (text) => {
    const after = rewriteText(text, names);
    if (after !== text) rewritten.push({ policy, before: text, after });
    return after;
  });

  const trustPolicy = rewriteDocument('trust policy', source.trustPolicy);
  const inlinePolicies: Record<string, unknown> = {};
  for (const [name, document] of Object.entries(source.inlinePolicies)) inlinePolicies[name] = rewriteDocument(name, document);
  const attached: string[] = [];
  for (const { arn, document } of source.attached) {
    const name = arn.slice(arn.lastIndexOf('/') + 1);
    const changed = rewriteDocument(name, document);
    const isCustomers = !arn.includes(':iam::aws:policy/');
    if (!isCustomers || (canonicalJson(changed) === canonicalJson(document) && names.source.account === names.target.account)) attached.push(arn);
    // A managed policy that names the source serves the source too: the clone gets a rewritten copy of its own.
    else inlinePolicies[freeName(name, inlinePolicies)] = changed;
  }
  for (const [name, document] of [['trust policy', trustPolicy] as const, ...Object.entries(inlinePolicies)]) {
    const left = stringsOf(document).filter((text) => namesSource(text, names));
    if (left.length > 0) warnings.push(`${name} still names the source: ${[...new Set(left)].join(', ')}`);
  }
  if (source.boundary && names.source.account !== names.target.account) warnings.push(`permissions boundary ${source.boundary} lies in account ${names.source.account} and was not carried over`);
  const characters = JSON.stringify(inlinePolicies).replace(/\s/g, '').length;
  if (characters > MAX_INLINE_CHARACTERS) warnings.push(`inline policies have about ${characters} characters; IAM allows ${MAX_INLINE_CHARACTERS} per role, so make the role yourself and name it in target.execution-role`);
  return {
    name: names.roleName, trustPolicy, inlinePolicies, attached,
    boundary: names.source.account === names.target.account ? source.boundary : undefined,
    rewritten: rewritten.filter((one, at) => rewritten.findIndex((other) => canonicalJson(other) === canonicalJson(one)) === at),
    warnings,
  };
}

/** One text of a policy: an ARN, a pattern, an account number. */
function rewriteText(text: string, { source, target }: Names): string {
  if (text === source.account) return target.account; // aws:SourceAccount
  if (!text.startsWith('arn:')) return text;
  const [, partition, service, region, account, ...rest] = text.split(':');
  const resource = rest.join(':');
  const head = (at: string | undefined, of: string | undefined) =>
    `arn:${partition}:${service}:${at === source.region ? target.region : at}:${of === source.account ? target.account : of}:`;
  if (service === 's3') return `arn:${partition}:s3:::${bucketResource(resource, source, target)}`;
  // environment/<name>, role/<name>/<Airflow role>
  if (service === 'airflow') {
    const [kind, name, ...below] = resource.split('/');
    return head(region, account) + [kind, name === source.environment ? target.environment : name, ...below].join('/');
  }
  if (service === 'logs') return head(region, account) + resource.replace(`log-group:airflow-${source.environment}-`, `log-group:airflow-${target.environment}-`);
  // Of MWAA's own queues and of keys by way of wildcards only the place changes; a key or secret of a certain name stays where it is.
  if (service === 'sqs' && resource.startsWith('airflow-celery-')) return `arn:${partition}:sqs:${region === source.region ? target.region : region}:${account === source.account ? target.account : account}:${resource}`;
  if (service === 'airflow-env' || service === 'kms' && resource === 'key/*') return head(region, account) + resource;
  return text;
}

/** `bucket` or `bucket/key-pattern`. A pattern of the whole bucket already holds for the target's prefix. */
function bucketResource(resource: string, source: Names['source'], target: Names['target']): string {
  const slash = resource.indexOf('/');
  const bucket = slash < 0 ? resource : resource.slice(0, slash);
  if (bucket !== source.bucket) return resource;
  if (slash < 0) return target.bucket;
  const key = resource.slice(slash + 1);
  const folder = source.dags.replace(/\/$/, '');
  const moved = key === folder || key.startsWith(`${folder}/`) || key === `${folder}*` ? target.dags.replace(/\/$/, '') + key.slice(folder.length) : key;
  return `${target.bucket}/${moved}`;
}

/** Whether a text still points to the source environment itself, not merely to its account. */
function namesSource(text: string, { source, target }: Names): boolean {
  if (!text.startsWith('arn:')) return false;
  // A bucket called as the environment is not the environment; one that both share is no rest of the source.
  if (text.split(':')[2] === 's3') return source.bucket !== target.bucket && (text.endsWith(`:::${source.bucket}`) || text.includes(`:::${source.bucket}/`));
  if (source.environment === target.environment) return false;
  // The name as a whole segment, or as MWAA's log groups hold it. "analytics-v2" begins with "analytics-": what names the target does not name the source.
  const mentions = (name: string) => new RegExp(`[:/](${escape(name)}($|[/:])|airflow-${escape(name)}-)`).test(text);
  return mentions(source.environment) && !mentions(target.environment);
}

function freeName(name: string, taken: Readonly<Record<string, unknown>>): string {
  let free = name;
  for (let n = 2; free in taken; n++) free = `${name}-${n}`;
  return free;
}

function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((one) => mapStrings(one, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, mapStrings(member, change)]));
}

function stringsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsOf) : [];
}

const escape = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
