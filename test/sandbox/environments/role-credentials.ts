/** Credentials of an execution role the way a container gets them, for our own SDK clients. */
export type RoleCredentials = Readonly<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string; expiration?: Date }>;

/**
 * A provider for SDK clients: static keys where the variables hold them, else the container endpoint, asked again when they expire.
 * Written out because the SDK's own provider reads process.env, and each environment has another role.
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 */
export function roleCredentials(variables: Readonly<Record<string, string>>): () => Promise<RoleCredentials> {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_CONTAINER_CREDENTIALS_FULL_URI: uri, AWS_CONTAINER_AUTHORIZATION_TOKEN } = variables;
  return async () => {
    if (AWS_ACCESS_KEY_ID !== undefined && AWS_SECRET_ACCESS_KEY !== undefined)
      return { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY, ...(AWS_SESSION_TOKEN === undefined ? {} : { sessionToken: AWS_SESSION_TOKEN }) };
    if (uri === undefined) throw new Error('The environment has no credentials: neither AWS_ACCESS_KEY_ID nor AWS_CONTAINER_CREDENTIALS_FULL_URI is among them.');
    const answer = await fetch(uri, { headers: AWS_CONTAINER_AUTHORIZATION_TOKEN === undefined ? {} : { Authorization: AWS_CONTAINER_AUTHORIZATION_TOKEN } });
    if (!answer.ok) throw new Error(`The container credentials endpoint answered ${answer.status}.`);
    const { AccessKeyId, SecretAccessKey, Token, Expiration } = (await answer.json()) as Record<string, string | undefined>;
    if (AccessKeyId === undefined || SecretAccessKey === undefined) throw new Error('The container credentials endpoint answered without keys.');
    return {
      accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey,
      ...(Token === undefined ? {} : { sessionToken: Token }), ...(Expiration === undefined ? {} : { expiration: new Date(Expiration) }),
    };
  };
}
