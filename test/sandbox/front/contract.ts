/**
 * What the AWS front offers its services and what they give back. The front (server.ts) reads the request, checks the signature,
 * finds the caller and the service (by the credential scope, or for unsigned STS calls by the Action), and hands over.
 * A service authorises every call itself through `authorize`, because only it knows the resources, condition keys and dependent actions.
 */
export type Principal =
  | Readonly<{ kind: 'anonymous' }>
  | Readonly<{ kind: 'root'; account: string; arn: string }>
  | Readonly<{ kind: 'user'; account: string; arn: string; name: string }>
  | Readonly<{
      kind: 'role-session'; account: string;
      /** arn:aws:sts::<account>:assumed-role/<role>/<session> */
      arn: string;
      roleArn: string; roleName: string; sessionName: string;
      sessionPolicies: readonly PolicyDocument[];
      /** Condition keys the session carries: federated provider, aws:PrincipalTag/…, sts claims. */
      keys: Readonly<Record<string, readonly string[]>>;
    }>
  /** An AWS service that acts by itself (airflow.amazonaws.com, logs.<region>.amazonaws.com). */
  | Readonly<{ kind: 'service'; account: string; service: string; arn: string }>;

export type PolicyDocument = Readonly<{ Version?: string; Id?: string; Statement: readonly PolicyStatement[] | PolicyStatement }>;
export type PolicyStatement = Readonly<Record<string, unknown>>;

export type FrontRequest = Readonly<{
  id: string;
  method: string;
  /** As it stood on the wire, percent-encoded, without the query. */
  rawPath: string;
  rawQuery: string;
  query: URLSearchParams;
  host: string;
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>;
  /** Whole and decoded: aws-chunked framing is gone, its trailing checksum has become a header, and both were checked. */
  body: Buffer;
  service: string;
  region: string;
  principal: Principal;
}>;

export type FrontResponse = Readonly<{ status: number; headers?: Readonly<Record<string, string>>; body?: Buffer | string }>;

/** Rendered in the calling service's own wire protocol (rest-json, json 1.1, query XML, S3 XML) by the service that catches it. */
export class AwsError extends Error {
  constructor(readonly code: string, message: string, readonly status = 400, readonly members: Readonly<Record<string, unknown>> = {}) {
    super(message);
  }
}

export type AuthorizationRequest = Readonly<{
  principal: Principal;
  /** 's3:GetObject' */
  action: string;
  /** Full ARN, or '*' for actions without one. */
  resource: string;
  /** Account that owns the resource: another one than the principal's needs both sides to allow. */
  resourceAccount: string;
  /** Bucket, key, trust or log resource policy, where the service has one. */
  resourcePolicy?: PolicyDocument | undefined;
  /** KMS: without an allow in the key policy (or by a grant) identity policies alone count only if the key policy delegates to the account root. */
  resourcePolicyIsRequired?: boolean;
  /** KMS grants that already decided "yes". */
  allowedByGrant?: boolean;
  /** Condition keys in lower case → values; aws:* globals are added by the evaluator from principal and request. */
  context?: Readonly<Record<string, readonly string[]>>;
}>;

export interface Authorizer {
  /** @throws AwsError AccessDenied with AWS's own wording ("User: … is not authorized to perform: … on resource: … because no identity-based policy allows …"). */
  require(request: AuthorizationRequest): void;
  allows(request: AuthorizationRequest): boolean;
}

export interface Kms {
  /** What an SSE-KMS write or read, a log group or an environment does with a key on the caller's behalf; `via` fills kms:ViaService. @throws AwsError */
  use(principal: Principal, action: 'kms:Decrypt' | 'kms:GenerateDataKey' | 'kms:DescribeKey' | 'kms:CreateGrant' | 'kms:Encrypt', keyIdOrArn: string,
    options: Readonly<{ region: string; via?: string; encryptionContext?: Readonly<Record<string, string>> }>): Readonly<{ keyArn: string }>;
}

export interface World {
  readonly authorizer: Authorizer;
  readonly kms: Kms;
  readonly identities: Identities;
  readonly clock: { now(): Date };
  /** Injected faults, asked before a service handles a call. */
  readonly faults: Faults;
  /** Accounts this world has. */
  readonly accounts: readonly string[];
}

export interface Identities {
  /** Session credentials of a role, as the service itself would get them for an environment (no trust check beyond the service's). */
  sessionForService(roleArn: string, service: string, sessionName: string, seconds: number): Readonly<{ accessKeyId: string; secretAccessKey: string; sessionToken: string; expiration: Date }>;
  /** A long-lived key of the account's root or of a user, for tests and the CLI. */
  accessKeyFor(arn: string): Readonly<{ accessKeyId: string; secretAccessKey: string }>;
  roleExists(arn: string): boolean;
  trustPolicy(roleArn: string): PolicyDocument | undefined;
}

export interface Faults {
  /** Throws an AwsError, delays, or answers 'drop' (the connection is cut) when a rule matches; else 'none'. */
  before(service: string, action: string, principal: Principal): Promise<'none' | 'drop'>;
}

export interface Service {
  /** Credential-scope name: s3, sts, iam, kms, logs, airflow. */
  readonly name: string;
  /** The action for the call log and the faults, e.g. 'PutObject'; must not throw. */
  actionOf(request: FrontRequest): string;
  handle(request: FrontRequest): Promise<FrontResponse>;
  /** Writes an AwsError in this service's protocol. */
  renderError(error: AwsError, request: FrontRequest): FrontResponse;
  close?(): Promise<void>;
}

/** One line per call, in memory and (with CALL_LOG) as JSON lines; tests assert "reads only" on it. */
export type CallRecord = Readonly<{ at: string; service: string; action: string; readOnly: boolean; principal: string; resource: string; status: number; error?: string }>;
