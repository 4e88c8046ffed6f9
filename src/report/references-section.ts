/** What still points at the old environment, for the plan's report. Names only: never a line, a pattern or a policy's text, which may hold a secret. */
import { isUnseen, type References } from '../plan/references.js';
import type { PolicyReference } from '../plan/references-policies.js';
import type { Holder, NamedLine } from '../reference-sources.js';
import { code, counted, grouped, listing, table, text, type Block, type Cell, type Part, type Section } from './document.js';

/** Rows of one table: more nobody works through in a report. */
const MOST_ROWS = 100;

export function referenceSections(references: References): readonly Section[] {
  const { source, lines, policies, logGroups } = references;
  const found = lines.lines.length + (isUnseen(policies) ? 0 : policies.references.length) + (isUnseen(logGroups) ? 0 : logGroups.flatMap(({ metricFilters, subscriptions }) => [...(metricFilters ?? []), ...(subscriptions ?? [])]).length);
  return [{
    title: `What still points at ${source.environment} (${found})`, importance: 2, isFolded: true,
    blocks: [
      text('To be changed by you, before cutover or after it. None of it is part of the digest, and mwaa-migrate changes none of it.'),
      ...lineBlocks(references), ...policyBlocks(references), ...logBlocks(references), ...unseenBlocks(references),
    ],
  }];
}

function lineBlocks({ source, lines }: References): readonly Block[] {
  const rest = lines.unread === 0 ? '' : `, ${counted(lines.unread, 'file')} above 1 MiB or not readable left out`;
  const searched = `${counted(lines.files, 'file')} searched${rest}${lines.isWhole ? '' : '; the search ended at its limit, so there may be more'}`;
  if (lines.lines.length === 0) return [text('In this repository no line names ', code(source.environment), ` as an environment, nor its bucket, log groups, web server or execution role (${searched}).`)];
  return [
    text(`In this repository (${searched}):`),
    ...capped(['Line', 'Names its'], [...lines.lines].sort((left, right) => Number(isVague(left)) - Number(isVague(right))).map((one) => [code(`${one.path}:${one.line}`), isVague(one) ? 'name: perhaps something else that is called so' : one.kinds.join(', ')])),
  ];
}

/** A bare name may be that of a package or a project. */
const isVague = ({ kinds }: NamedLine): boolean => kinds.every((kind) => kind === 'name');

function policyBlocks({ source, target, policies }: References): readonly Block[] {
  if (isUnseen(policies)) return [];
  const { references, callersOfAny, isWhole } = policies;
  const sorted = [...references].sort((left, right) => Number(left.isForTarget) - Number(right.isForTarget));
  return [
    references.length === 0
      ? text('No policy of account ', code(source.account), ' names it.')
      : text('In policies of account ', code(source.account), '. "yes" in the last column: the same policy says all of it about ', code(target.environment), ' as well.'),
    ...(references.length === 0 ? [] : capped(['Policy', 'Of', 'Is about its', 'Lets them call it by', 'Covers the target'], sorted.map((one): readonly Cell[] => [
      [...(one.isDeny ? ['Deny in '] : []), ...policyName(one)], holders(one.holders), one.subjects.join(', '), one.calls.length === 0 ? undefined : one.calls.join('; '), one.isForTarget ? 'yes' : 'no',
    ]))),
    ...(callersOfAny.length === 0 ? [] : [text(`${counted(callersOfAny.length, 'identity', 'identities')} may call every environment of the account, and the target too: `, ...holders(callersOfAny, 20), '.')]),
    text(`AWS's own managed policies, boundaries and service control policies are not looked at${isWhole ? '' : '; the account has more policies than were read'}.`),
  ];
}

const policyName = ({ kind, policy }: PolicyReference): readonly Part[] => (kind === 'trust' ? ['trust policy'] : [code(policy), kind === 'inline' ? ', inline' : '']);

function holders(all: readonly Holder[], most = 5): readonly Part[] {
  if (all.length === 0) return ['nobody'];
  const shown = all.slice(0, most).flatMap(({ kind, name }, at): readonly Part[] => [at > 0 ? ', ' : '', `${kind} `, code(name)]);
  return all.length > most ? [...shown, ` and ${grouped(all.length - most)} more`] : shown;
}

function logBlocks({ source, target, logGroups }: References): readonly Block[] {
  if (isUnseen(logGroups) || logGroups.length === 0) return [];
  const list = (entries: readonly (readonly Part[])[] | undefined): Cell => (entries === undefined ? 'not looked at' : entries.length === 0 ? 'none' : entries.flatMap((entry, at) => [at > 0 ? '; ' : '', ...entry]));
  const toRepeat = logGroups.filter(({ retentionDays }) => retentionDays !== undefined);
  return [
    text('Its log groups. Those of the target are new: without retention, without these filters, and with the key of the target.'),
    table(['Log group', 'Kept for days', 'Key', 'Metric filters, and what they count', 'Subscriptions, and who gets the lines'], logGroups.map(({ name, retentionDays, kmsKey, metricFilters, subscriptions }) => [
      code(name), retentionDays ?? 'ever', kmsKey === undefined ? "AWS's own" : code(kmsKey),
      list(metricFilters?.map((filter) => [code(filter.name), ' to ', code(filter.metrics.join(', '))])), list(subscriptions?.map((one) => [code(one.name), ' to ', code(one.destination)])),
    ])),
    ...(toRepeat.length === 0 ? [] : [
      text('To keep the target\'s logs as long, once it exists:'),
      listing('sh', toRepeat.map(({ name, retentionDays }) => `aws logs put-retention-policy --region ${quoted(target.region)} --log-group-name ${quoted(name.replace(`airflow-${source.environment}-`, () => `airflow-${target.environment}-`))} --retention-in-days ${retentionDays ?? 0}`).join('\n')),
    ]),
  ];
}

/** What was not looked at, each with the way to look: a list that looks complete and is not would be worse than none. */
function unseenBlocks({ source, policies, logGroups }: References): readonly Block[] {
  const name = quoted(source.environment), region = quoted(source.region);
  return [
    table(['Not looked at', 'Why', 'How to'], [
      ...(isUnseen(policies) ? [['Policies of the account: who deploys to it, may call it or trusts it', code(policies.unseen), ['deploy docs/iam/roles.yaml with ', code('PlanReadsPolicies=yes')]] as const] : []),
      ...(isUnseen(logGroups) ? [['Its log groups with their filters and retention', code(logGroups.unseen), 'update the plan role from docs/iam/roles.yaml'] as const] : []),
      ['Alarms and dashboards of CloudWatch', 'mwaa-migrate does not call that service', 'by the commands below'],
      ['Other repositories, other accounts, the AWS console, people\'s bookmarks', 'they are not within reach', ['search there for ', code(source.environment), ' and ', code(source.bucket)]],
    ]),
    listing('sh', [
      '# Alarms that name the environment, also in metric maths',
      `aws cloudwatch describe-alarms --region ${region} --alarm-types MetricAlarm CompositeAlarm --output text --query ${quoted(`[MetricAlarms, CompositeAlarms][] | [?contains(to_string(@), ${jmesText(source.environment)})].AlarmName`)}`,
      '# Dashboards that name it',
      `for dashboard in $(aws cloudwatch list-dashboards --region ${region} --output text --query 'DashboardEntries[].DashboardName'); do`,
      `  aws cloudwatch get-dashboard --region ${region} --dashboard-name "$dashboard" --output text --query DashboardBody | grep -q -F -e ${name} && echo "$dashboard"`,
      'done',
    ].join('\n')),
  ];
}

function capped(head: readonly string[], rows: readonly (readonly Cell[])[]): readonly Block[] {
  return [table(head, rows.slice(0, MOST_ROWS)), ...(rows.length > MOST_ROWS ? [text(`And ${counted(rows.length - MOST_ROWS, 'row')} more.`)] : [])];
}

/** One word for a shell, whatever is in it. */
const quoted = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;
/** A raw string of JMESPath. */
const jmesText = (word: string): string => `'${word.replace(/[\\']/gu, String.raw`\$&`)}'`;
