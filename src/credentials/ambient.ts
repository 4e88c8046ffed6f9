/** The job's own credentials, used where a role's input is empty: nothing of ours renews them. */

/** @param env the process's environment. @returns what a person should know before a long phase; undefined: nothing, or nobody can tell */
export function ambientOutlook(env: Readonly<Record<string, string | undefined>>, now: Date, timeoutMinutes: number): string | undefined {
  // Only credentials in variables stand still: what the SDK takes from a metadata service, a file or SSO it renews by itself.
  if (!env['AWS_ACCESS_KEY_ID'] || !env['AWS_SESSION_TOKEN']) return undefined;
  const end = new Date(env['AWS_CREDENTIAL_EXPIRATION'] ?? '');
  if (Number.isNaN(end.getTime())) return 'they are temporary and nothing renews them; when they end is not known';
  const minutes = Math.floor((end.getTime() - now.getTime()) / 60_000);
  if (minutes >= timeoutMinutes) return undefined;
  return minutes < 0 ? `they ended at ${end.toISOString()}` : `they end at ${end.toISOString()}, in ${minutes} minutes, and nothing renews them; the phase may last ${timeoutMinutes}`;
}
