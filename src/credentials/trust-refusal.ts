/** Why a role's trust policy may have refused this job. AWS never says which condition failed, so the likely ones are listed, the likeliest first. */
import { AUDIENCE, showClaims, subjectOf, type Claims, type Subject } from './claims.js';

export type Refused = Readonly<{
  /** Input that names the role. */
  input: string;
  roleArn: string;
  /** STS's own words. */
  said: string;
  /** undefined: the token cannot be read. */
  claims: Claims | undefined;
}>;

const INDENT = '\n    ';
/** Of docs/iam/roles.yaml: a job in one of these is not refused for its environment, unless a parameter changed them. */
const DEFAULT_ENVIRONMENTS = ['migration-production', 'migration-prepare'];

/** Two halves of one message, for `why` and `fix`; lines after the first are indented by four. */
export function explainTrust({ input, roleArn, said, claims }: Refused): Readonly<{ why: string; fix: string }> {
  const why = `its trust policy does not accept this job, or there is no such role; AWS does not tell more (${said}). GitHub's token says ${claims ? `of the job:${INDENT}${showClaims(claims, INDENT)}` : 'nothing that can be read.'}`;
  if (!claims) return { why, fix: `allow sts:AssumeRoleWithWebIdentity in the role's trust policy, and check account and name in ${roleArn}.` };
  const subject = subjectOf(claims);
  const suspects = [...ofAudience(claims), ...ofSubject(claims, subject, input), ...ofOtherClaims(claims), `the ARN: ${roleArn} may not exist, or the role's trust policy may lack sts:AssumeRoleWithWebIdentity.`];
  return {
    why,
    fix: `compare the role's trust policy with these values, letter by letter, in this order:${suspects.map((one, at) => `${INDENT}${at + 1}. ${one}`).join('')}${linesFor(claims, subject, input)}`,
  };
}

const ofAudience = ({ aud }: Claims): readonly string[] => (aud === AUDIENCE ? [] : [`aud: the token is for ${JSON.stringify(aud ?? '')}, not for "${AUDIENCE}".`]);

const isReader = (input: string): boolean => input === 'plan-role' || input === 'target-plan-role';
const isPullRequest = ({ sub }: Claims): boolean => sub?.endsWith(':pull_request') === true;

/** docs/iam/roles.yaml compares sub, and lets only jobs of two GitHub environments use source and target role. */
function ofSubject(claims: Claims, subject: Subject, input: string): readonly string[] {
  const { sub, environment } = claims;
  if (subject.form === 'customised') return [`sub: its form is ${JSON.stringify(sub ?? '')}, so the organisation or the repository has customised it (settings, Actions, OIDC); the trust policy must name it as it is.`];
  const job = ofJob(claims, input), repository = ofRepository(claims, subject);
  return environment !== undefined && DEFAULT_ENVIRONMENTS.includes(environment) ? [repository, job] : [job, repository];
}

/** What sub says of environment, event and branch. */
function ofJob(claims: Claims, input: string): string {
  const { sub, environment, ref, event_name: event } = claims;
  if (environment !== undefined)
    // As it stands in sub: a colon in a name is %3A there.
    return `sub: the job has the environment ${JSON.stringify(sub?.split(':environment:')[1] ?? environment)}; parameter GitHubEnvironment or SecondGitHubEnvironment of docs/iam/roles.yaml must be exactly that, upper and lower case too. "environment:" in a job hides its branch and event from sub.`;
  if (!isReader(input))
    return isPullRequest(claims)
      ? `sub: the job runs for a pull request. Source and target role are not for pull requests, whoever opens one could use them: run this phase in a job with "environment:", as the workflow migrate.yml does.`
      : `sub: the job has no "environment:". docs/iam/roles.yaml lets only jobs of the environments in GitHubEnvironment and SecondGitHubEnvironment use this role: name one in the job, or run the phase by the workflow migrate.yml.`;
  if (isPullRequest(claims)) return 'sub: the job runs for a pull request; docs/iam/roles.yaml lets those use the plan role only.';
  return `sub: the job runs on ${JSON.stringify(ref ?? '')} (event ${JSON.stringify(event ?? '')}); parameter DefaultBranch of docs/iam/roles.yaml must be that branch. Other branches may plan by a pull request.`;
}

function ofRepository({ repository = '' }: Claims, { form, immutable = '' }: Subject): string {
  if (form !== 'immutable') return `sub: parameter Repository of docs/iam/roles.yaml must be ${JSON.stringify(repository)}, upper and lower case too.`;
  const withIds = immutable.split(':')[1] ?? '';
  return `sub: this repository's subjects carry ids (made, renamed or moved since July 2026, or set so); parameter RepositoryWithIds of docs/iam/roles.yaml must be ${JSON.stringify(withIds)}.`;
}

function ofOtherClaims({ job_workflow_ref: called, workflow_ref: caller, repository_id: id }: Claims): readonly string[] {
  return [
    ...(called ? [`job_workflow_ref, where the policy compares it (parameter CalledWorkflows): this job's file is ${JSON.stringify(called)}${called === caller || !caller ? '' : `, called by ${JSON.stringify(caller)}`}.`] : []),
    ...(id ? [`repository_id, where the policy compares it: it is ${JSON.stringify(id)}.`] : []),
  ];
}

/** What a policy that accepts this job would compare; none where accepting it would open a door that must stay shut. */
function linesFor(claims: Claims, { form, legacy, immutable }: Subject, input: string): string {
  if (!isReader(input) && (claims.environment === undefined || isPullRequest(claims))) return '';
  const key = (name: string): string => `"${(claims.iss ?? '').replace(/^https:\/\//u, '')}:${name}"`;
  const subjects = [claims.sub, ...(form === 'legacy' ? [immutable] : form === 'immutable' ? [legacy] : [])].filter((one) => one !== undefined);
  return [
    '\n    Lines of a condition "StringEquals" that accepts this job:',
    `${key('aud')}: "${AUDIENCE}",`,
    `${key('sub')}: ${subjects.length > 1 ? `[${subjects.map((one) => JSON.stringify(one)).join(', ')}]` : JSON.stringify(subjects[0] ?? '')}`,
  ].join('\n      ') + (subjects.length > 1 ? `\n    (the first subject is this token's; the second is the same job where subjects ${form === 'legacy' ? 'carry ids' : 'carry no ids'})` : '');
}
