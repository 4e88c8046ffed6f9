/** What GitHub's OIDC token says of a job, for messages: its signature is STS's business, and the token itself never goes further than there. */

/** Whom the token is meant for; the identity provider in IAM and the trust policies name it too. */
export const AUDIENCE = 'sts.amazonaws.com';

/** Claims that a trust policy can compare, or that explain why one of them is as it is: https://docs.github.com/actions/reference/security/oidc */
const NAMES = ['iss', 'aud', 'sub', 'environment', 'event_name', 'ref', 'repository', 'repository_id', 'repository_owner_id', 'workflow_ref', 'job_workflow_ref'] as const;
export type ClaimName = (typeof NAMES)[number];
export type Claims = Readonly<Partial<Record<ClaimName, string>>>;

/** Longer than any name of GitHub's; what is longer is no claim of GitHub's. */
const MAX_LENGTH = 500;

/** @returns undefined when it is no token that can be read; claims that are absent or no text are left out */
export function readClaims(token: string): Claims | undefined {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    if (typeof payload !== 'object' || payload === null) return undefined;
    const all = payload as Readonly<Record<string, unknown>>;
    return Object.fromEntries(NAMES.flatMap((name) => {
      const value = Array.isArray(all[name]) ? all[name].join(', ') : all[name];
      return typeof value === 'string' && value !== '' ? [[name, value.slice(0, MAX_LENGTH)] as const] : [];
    }));
  } catch {
    // Only the message gets poorer; STS's own refusal is shown anyway.
    return undefined;
  }
}

/** `sub="repo:…"` and so on, in the order of their weight; quoted as JSON, so that no value can begin a line of its own. */
export const showClaims = (claims: Claims, between = ', '): string => NAMES.filter((name) => claims[name] !== undefined).map((name) => `${name}=${JSON.stringify(claims[name])}`).join(between);

/** With ids, `repo:owner@1/name@2:…`: repositories made, renamed or moved since July 2026, and those that asked for it. */
const IMMUTABLE = /^repo:([^/@:]+)@(\d+)\/([^/@:]+)@(\d+):(.+)$/u;
const LEGACY = /^repo:([^/@:]+)\/([^/@:]+):(.+)$/u;

/** Both ways to write one subject; undefined where a form cannot be told. `form` is that of the token. */
export type Subject = Readonly<{ form: 'legacy' | 'immutable' | 'customised'; legacy: string | undefined; immutable: string | undefined }>;

export function subjectOf({ sub = '', repository_id: id, repository_owner_id: ownerId }: Claims): Subject {
  const withIds = IMMUTABLE.exec(sub);
  if (withIds) return { form: 'immutable', legacy: `repo:${withIds[1]}/${withIds[3]}:${withIds[5]}`, immutable: sub };
  const plain = LEGACY.exec(sub);
  if (plain) return { form: 'legacy', legacy: sub, immutable: id && ownerId ? `repo:${plain[1]}@${ownerId}/${plain[2]}@${id}:${plain[3]}` : undefined };
  return { form: 'customised', legacy: undefined, immutable: undefined };
}
