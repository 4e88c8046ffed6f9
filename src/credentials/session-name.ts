/** The name of a role session: CloudTrail shows it with every call, so that a call leads to the workflow run that made it. */

/** Characters of RoleSessionName, 2 to 64 of [\w+=,.@-]: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html */
const MAX_LENGTH = 64;

/** @param attempt of the workflow run: a re-run has the id of the first one */
export type SessionOf = Readonly<{ phase: string; run: string | undefined; attempt: string | undefined }>;

/** `mwaa-migrate-export-12345678901-2`: https://github.com/<repository>/actions/runs/12345678901/attempts/2. By hand it ends in "local". */
export function sessionName({ phase, run, attempt }: SessionOf): string {
  const where = run ? `${run}${attempt ? `-${attempt}` : ''}` : 'local';
  return `mwaa-migrate-${phase}-${where}`.replace(/[^\w+=,.@-]/gu, '-').slice(0, MAX_LENGTH);
}

/**
 * What every call's user agent says besides: `mwaa-migrate/1.2.0 md/phase#export md/run#12345678901`. It stands in CloudTrail too, also where the
 * job's own credentials are used, whose session somebody else has named. Session tags would be the other way, and AssumeRoleWithWebIdentity takes
 * none: they come from a claim of the token (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html), which GitHub does not make.
 */
export function userAgent(version: string, { phase, run, attempt }: SessionOf): [string, string][] {
  return [['mwaa-migrate', version], ['md/phase', phase], ...(run ? [['md/run', run] as [string, string], ...(attempt ? [['md/run-attempt', attempt] as [string, string]] : [])] : [])];
}
