/**
 * Loads CloudFormation templates of roles, policies, keys and OIDC providers into a world, so that tests run under the very files that users deploy.
 * What a template may hold is named below; anything else is an error, for a resource that was silently left out would make a test green.
 */
import { readFileSync } from 'node:fs';
import type { PolicyDocument } from '../front/contract.js';
import { type Attributes, createResolver, parseTemplate, type Template } from './template.js';
import type { SandboxWorld } from './world.js';

export type Stack = Readonly<{
  /** Logical id → what Ref gives. */
  refs: Readonly<Record<string, string>>;
  outputs: Readonly<Record<string, string>>;
}>;

export type StackOptions = Readonly<{
  account: string; region: string;
  parameters?: Readonly<Record<string, string>>;
  /** Default: the file's name without its ending. */
  stackName?: string;
}>;

/** @throws Error that names file, logical id and what the loader does not know; AwsError as IAM and KMS refuse a bad policy */
export function loadTemplate(world: SandboxWorld, file: string, options: StackOptions): Stack {
  const stackName = options.stackName ?? file.replace(/^.*\//u, '').replace(/\.[^.]*$/u, '');
  try {
    return createStack(world, parseTemplate(readFileSync(file, 'utf8')), { ...options, stackName });
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

export function createStack(world: SandboxWorld, template: Template, { account, region, parameters = {}, stackName = 'stack' }: StackOptions): Stack {
  const made = new Map<string, Attributes>();
  const resolver = createResolver(template, { account, region, stackName, parameters }, (id, path) => make(id, path));

  /** Creates a resource when it is first asked for, so that references decide the order as they do in CloudFormation. */
  const make = (id: string, path: readonly string[] = []): Attributes => {
    const known = made.get(id);
    if (known) return known;
    const resource = template.Resources[id];
    if (!resource) throw new Error(`reference to "${id}", which is no resource and no parameter of this template`);
    const create = RESOURCES[resource.Type];
    if (!create) throw new Error(`resource ${id} has type ${resource.Type}; the sandbox loads ${Object.keys(RESOURCES).join(', ')}`);
    for (const other of [resource.DependsOn ?? []].flat()) if (!path.includes(other)) make(other, [...path, id]);
    const properties = resolver.resolve(resource.Properties ?? {}, [...path, id]) as Properties;
    const attributes = create({ world, account, region, id, stackName }, properties);
    made.set(id, attributes);
    return attributes;
  };

  for (const [id, resource] of Object.entries(template.Resources)) if (resolver.holds(resource.Condition)) make(id);
  const outputs = Object.entries(template.Outputs ?? {}).filter(([, output]) => resolver.holds(output.Condition)).map(([name, output]) => [name, String(resolver.resolve(output.Value, []))]);
  return { refs: Object.fromEntries([...made].map(([id, { Ref }]) => [id, Ref])), outputs: Object.fromEntries(outputs) as Readonly<Record<string, string>> };
}

type Properties = Readonly<Record<string, unknown>>;
type Place = Readonly<{ world: SandboxWorld; account: string; region: string; id: string; stackName: string }>;

const RESOURCES: Readonly<Record<string, (place: Place, properties: Properties) => Attributes>> = {
  'AWS::IAM::OIDCProvider'({ world, account, id }, properties) {
    allow(id, properties, ['Url', 'ClientIdList', 'ThumbprintList', 'Tags']);
    const arn = world.createOidcProvider({ account, url: text(properties.Url), clientIds: texts(properties.ClientIdList), thumbprints: texts(properties.ThumbprintList) });
    return { Ref: arn, Arn: arn };
  },

  'AWS::IAM::Role'({ world, account, id, stackName }, properties) {
    allow(id, properties, ['RoleName', 'Path', 'Description', 'AssumeRolePolicyDocument', 'Policies', 'ManagedPolicyArns', 'PermissionsBoundary', 'MaxSessionDuration', 'Tags']);
    const { PermissionsBoundary: boundary, MaxSessionDuration: seconds } = properties;
    const name = text(properties.RoleName ?? `${stackName}-${id}`);
    const policies = list(properties.Policies).map((policy) => [text(policy.PolicyName), policy.PolicyDocument as PolicyDocument] as const);
    const arn = world.createRole({
      account, name, path: text(properties.Path ?? '/'), description: text(properties.Description ?? ''), trust: properties.AssumeRolePolicyDocument as PolicyDocument,
      policies: Object.fromEntries(policies), managedPolicyArns: texts(properties.ManagedPolicyArns), tags: tags(properties.Tags),
      ...(boundary !== undefined && { permissionsBoundary: text(boundary) }), ...(seconds !== undefined && { maxSessionSeconds: Number(seconds) }),
    });
    return { Ref: name, Arn: arn, RoleId: world.identities.roles.get(arn)?.id ?? '' };
  },

  'AWS::IAM::ManagedPolicy'({ world, account, id, stackName }, properties) {
    allow(id, properties, ['ManagedPolicyName', 'Path', 'Description', 'PolicyDocument', 'Roles']);
    const arn = world.createManagedPolicy({
      account, name: text(properties.ManagedPolicyName ?? `${stackName}-${id}`), path: text(properties.Path ?? '/'), description: text(properties.Description ?? ''),
      document: properties.PolicyDocument as PolicyDocument,
    });
    for (const role of texts(properties.Roles)) world.attachPolicy(roleArn(world, account, role), arn);
    return { Ref: arn, PolicyArn: arn };
  },

  'AWS::IAM::Policy'({ world, account, id }, properties) {
    allow(id, properties, ['PolicyName', 'PolicyDocument', 'Roles']);
    const name = text(properties.PolicyName);
    for (const role of texts(properties.Roles)) world.putPolicy(roleArn(world, account, role), name, properties.PolicyDocument as PolicyDocument);
    return { Ref: name };
  },

  'AWS::KMS::Key'({ world, account, region, id }, properties) {
    allow(id, properties, ['Description', 'KeyPolicy', 'EnableKeyRotation', 'PendingWindowInDays', 'Enabled', 'Tags']);
    const policy = properties.KeyPolicy as PolicyDocument | undefined;
    const arn = world.createKey({ account, region, description: text(properties.Description ?? ''), ...(policy && { policy }) });
    return { Ref: arn.split('/')[1] ?? '', Arn: arn, KeyId: arn.split('/')[1] ?? '' };
  },

  'AWS::KMS::Alias'({ world, account, region, id }, properties) {
    allow(id, properties, ['AliasName', 'TargetKeyId']);
    const name = text(properties.AliasName);
    world.kms.addAlias(name, world.kms.find(text(properties.TargetKeyId), account, region).arn);
    return { Ref: name };
  },
};

function allow(id: string, properties: Properties, known: readonly string[]): void {
  const unknown = Object.keys(properties).filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`resource ${id} has ${unknown.join(', ')}, which the sandbox does not act on; it knows ${known.join(', ')}`);
}

function roleArn(world: SandboxWorld, account: string, name: string): string {
  const role = world.identities.role(account, name);
  if (!role) throw new Error(`there is no role "${name}" in account ${account}`);
  return role.arn;
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new Error(`expected a text, found ${JSON.stringify(value)}`);
}

const texts = (value: unknown): readonly string[] => (value === undefined ? [] : [value].flat().map(text));
const list = (value: unknown): readonly Properties[] => (Array.isArray(value) ? (value as readonly Properties[]) : []);
const tags = (value: unknown): Readonly<Record<string, string>> => Object.fromEntries(list(value).map(({ Key, Value }) => [text(Key), text(Value)]));
