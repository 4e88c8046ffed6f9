/** Where an environment looks for connections and variables besides its database: it does not move, and the target must reach it. */

/** none: the database alone. other: a class that is not AWS's own. */
export type SecretsBackend = 'none' | 'Secrets Manager' | 'Parameter Store' | 'other';

/** @param options with their real values; the class is named by its kind, for its path may be anything */
export function secretsBackendOf(options: Readonly<Record<string, string>> | undefined): SecretsBackend {
  const path = options?.['secrets.backend']?.trim() ?? '';
  if (path === '') return 'none';
  return /\.SecretsManagerBackend$/u.test(path) ? 'Secrets Manager' : /\.SystemsManagerParameterStoreBackend$/u.test(path) ? 'Parameter Store' : 'other';
}
