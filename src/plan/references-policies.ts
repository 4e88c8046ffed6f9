/** Which IAM policies of an account are about one environment. Says names only: conditions and other values of a policy may hold secrets. */
import type { AccountPolicies, AccountPolicy, Holder } from '../reference-sources.js';
import { matches, matchesAction, reaches } from './policy-patterns.js';

/** An environment and what belongs to it, as policies name it. */
export type Place = Readonly<{
  partition: string; region: string; account: string; environment: string;
  bucket: string;
  /** Folder without a slash at either end. */
  dags: string;
  /** Keys of plugins, requirements and startup script. */
  files: readonly string[];
  /** ARN; undefined: not known yet. */
  executionRole: string | undefined;
}>;

/** What a policy can be about. */
export const SUBJECTS = ['environment', 'Airflow roles', 'DAG folder', 'log groups', 'execution role'] as const;
export type Subject = (typeof SUBJECTS)[number];

export type PolicyReference = Readonly<{
  kind: AccountPolicy['kind'];
  policy: string;
  holders: readonly Holder[];
  isDeny: boolean;
  /** What it names so that it would not be about any other environment. */
  subjects: readonly Subject[];
  /** Ways in which it lets somebody call the environment: "CLI", "REST API as Op", "web login as Viewer". */
  calls: readonly string[];
  /** Whether the same policy says all of it about the target too. */
  isForTarget: boolean;
}>;

export type PolicyReferences = Readonly<{
  references: readonly PolicyReference[];
  /** Who may call the environment because they may call any: a wildcard names none. */
  callersOfAny: readonly Holder[];
  isWhole: boolean;
}>;

type Statement = Readonly<{ isDeny: boolean; actions: readonly string[]; notActions: readonly string[]; resources: readonly string[]; notResources: readonly string[]; conditionValues: readonly string[]; principals: readonly string[] }>;

/** Names no environment has: a pattern that reaches this one as well is about environments in general. */
const NOBODY = 'zz9-plural-z-alpha';
const nobody = (place: Place): Place => ({ ...place, environment: NOBODY, bucket: NOBODY, dags: NOBODY, files: [], executionRole: `arn:${place.partition}:iam::${place.account}:role/${NOBODY}` });

/** User guide "Accessing an Amazon MWAA environment": Airflow's roles that MWAA knows. */
const AIRFLOW_ROLES = ['Admin', 'Op', 'User', 'Viewer', 'Public'] as const;
const LOG_MODULES = ['DAGProcessing', 'Scheduler', 'Task', 'WebServer', 'Worker'] as const;

/**
 * @param ours holders that belong to the migration itself, and the source's execution role, which the plan clones: not told
 */
export function policyReferences({ policies, isWhole }: AccountPolicies, source: Place, target: Place, ours: (holder: Holder) => boolean): PolicyReferences {
  const references: PolicyReference[] = [];
  const callersOfAny = new Map<string, Holder>();
  for (const policy of policies) {
    if (policy.holders.length > 0 && policy.holders.every(ours)) continue;
    const statements = statementsOf(policy.document);
    for (const isDeny of [false, true]) {
      const mine = statements.filter((statement) => statement.isDeny === isDeny);
      const subjects = SUBJECTS.filter((subject) => mine.some((statement) => isAbout(statement, policy, subject, source)));
      if (subjects.length === 0) continue;
      references.push({
        kind: policy.kind, policy: policy.name, holders: policy.holders.filter((holder) => !ours(holder)), isDeny, subjects,
        calls: isDeny ? [] : [...new Set(mine.flatMap((statement) => callsOf(statement, source, (pattern) => isSpecific(pattern, source))))],
        isForTarget: subjects.every((subject) => mine.some((statement) => isAbout(statement, policy, subject, target))),
      });
    }
    if (policy.kind !== 'trust' && statements.some((statement) => !statement.isDeny && callsOf(statement, source, (pattern) => !isSpecific(pattern, source)).length > 0))
      for (const holder of policy.holders) if (!ours(holder)) callersOfAny.set(holder.arn, holder);
  }
  return { references, callersOfAny: [...callersOfAny.values()], isWhole };
}

const environmentArn = ({ partition, region, account, environment }: Place) => `arn:${partition}:airflow:${region}:${account}:environment/${environment}`;
const airflowRoleArn = ({ partition, region, account, environment }: Place, role: string) => `arn:${partition}:airflow:${region}:${account}:role/${environment}/${role}`;

/** Whether a resource pattern reaches this thing of the place. */
function touches(pattern: string, subject: Subject, place: Place): boolean {
  switch (subject) {
    case 'environment': return matches(pattern, environmentArn(place));
    case 'Airflow roles': return AIRFLOW_ROLES.some((role) => matches(pattern, airflowRoleArn(place, role)));
    case 'DAG folder': return reaches(pattern, `arn:${place.partition}:s3:::${place.bucket}/${place.dags}/`) || place.files.some((key) => matches(pattern, `arn:${place.partition}:s3:::${place.bucket}/${key}`));
    case 'log groups': return LOG_MODULES.some((module) => reaches(pattern, `arn:${place.partition}:logs:${place.region}:${place.account}:log-group:airflow-${place.environment}-${module}`));
    case 'execution role': return place.executionRole !== undefined && matches(pattern, place.executionRole);
  }
}

const isSpecific = (pattern: string, place: Place): boolean => SUBJECTS.every((subject) => !touches(pattern, subject, nobody(place)));

/** What must be allowed or denied before a resource of that kind means anything: who only lists the bucket deploys nothing. */
const INTERESTING: Readonly<Record<Subject, (action: string) => boolean>> = {
  environment: (action) => reaches(action.toLowerCase(), 'airflow:'),
  'Airflow roles': (action) => reaches(action.toLowerCase(), 'airflow:'),
  'DAG folder': (action) => matchesAction(action, 's3:PutObject') || matchesAction(action, 's3:DeleteObject'),
  'log groups': (action) => reaches(action.toLowerCase(), 'logs:'),
  'execution role': (action) => matchesAction(action, 'iam:PassRole') || matchesAction(action, 'sts:AssumeRole'),
};

function isAbout(statement: Statement, { kind }: AccountPolicy, subject: Subject, place: Place): boolean {
  const about = (pattern: string) => touches(pattern, subject, place) && isSpecific(pattern, place);
  if (statement.conditionValues.some(about)) return true;
  if (kind === 'trust') return statement.principals.some((principal) => subject === 'execution role' && about(principal));
  return (statement.notActions.length > 0 || statement.actions.some(INTERESTING[subject])) && [...statement.resources, ...statement.notResources].some(about);
}

function callsOf(statement: Statement, place: Place, counts: (pattern: string) => boolean): readonly string[] {
  const may = (action: string) => (statement.notActions.length > 0 ? !statement.notActions.some((one) => matchesAction(one, action)) : statement.actions.some((one) => matchesAction(one, action)));
  const on = (arn: string) => !statement.notResources.some((pattern) => matches(pattern, arn)) && statement.resources.some((pattern) => counts(pattern) && matches(pattern, arn));
  const roles = AIRFLOW_ROLES.filter((role) => on(airflowRoleArn(place, role)));
  return [
    ...(may('airflow:CreateCliToken') && on(environmentArn(place)) ? ['CLI'] : []),
    ...(may('airflow:InvokeRestApi') && roles.length > 0 ? [`REST API as ${roles.join(', ')}`] : []),
    ...(may('airflow:CreateWebLoginToken') && roles.length > 0 ? [`web login as ${roles.join(', ')}`] : []),
  ];
}

/** Of a document that is no policy: none. What NotResource leaves over is everything. */
function statementsOf(document: unknown): readonly Statement[] {
  const statements = isRecord(document) ? document.Statement : undefined;
  return (Array.isArray(statements) ? statements : [statements]).filter(isRecord).map((statement): Statement => ({
    isDeny: statement.Effect === 'Deny',
    actions: textsOf(statement.Action), notActions: textsOf(statement.NotAction),
    resources: statement.NotResource === undefined ? textsOf(statement.Resource) : ['*'], notResources: textsOf(statement.NotResource),
    conditionValues: isRecord(statement.Condition) ? Object.values(statement.Condition).flatMap((keys) => (isRecord(keys) ? Object.values(keys).flatMap(textsOf) : [])) : [],
    principals: isRecord(statement.Principal) ? textsOf(statement.Principal.AWS) : textsOf(statement.Principal),
  }));
}

const textsOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === 'string');
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
