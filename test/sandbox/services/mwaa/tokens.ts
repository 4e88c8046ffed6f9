/** The 60-second tokens of CreateCliToken and CreateWebLoginToken. */
import { randomBytes } from 'node:crypto';
import type { AirflowRole } from '../../environments/contract.js';

/** "The token is valid for 60 seconds" (user guide, "Creating an Apache Airflow CLI token" and "… web server session token"). */
const VALID_MS = 60_000;

export type Token = Readonly<{ kind: 'cli' | 'web-login'; environmentArn: string; role: AirflowRole }>;

export function createTokens(now: () => number) {
  const tokens = new Map<string, Token & Readonly<{ expires: number }>>();
  return {
    issue(token: Token): string {
      const secret = randomBytes(48).toString('base64url');
      tokens.set(secret, { ...token, expires: now() + VALID_MS });
      return secret;
    },
    /** undefined: never issued, of the other kind, for another environment, or older than 60 seconds. */
    check(secret: string, kind: Token['kind'], environmentArn: string): Token | undefined {
      const token = tokens.get(secret);
      return token && token.kind === kind && token.environmentArn === environmentArn && token.expires > now() ? token : undefined;
    },
  };
}
export type Tokens = ReturnType<typeof createTokens>;
