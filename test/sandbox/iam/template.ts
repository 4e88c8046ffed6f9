/** CloudFormation's YAML and its intrinsic functions. Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html */
import { parseDocument, type ScalarTag, type CollectionTag } from 'yaml';

export type Template = Readonly<{
  Parameters?: Readonly<Record<string, Readonly<{ Type: string; Default?: unknown; AllowedValues?: readonly unknown[]; AllowedPattern?: string }>>>;
  Conditions?: Readonly<Record<string, unknown>>;
  Mappings?: unknown;
  Resources: Readonly<Record<string, Readonly<{ Type: string; Condition?: string; DependsOn?: string | readonly string[]; Properties?: unknown }>>>;
  Outputs?: Readonly<Record<string, Readonly<{ Value: unknown; Condition?: string }>>>;
}>;

/** What Ref and GetAtt give for a resource. */
export type Attributes = Readonly<{ Ref: string } & Record<string, string>>;

const FUNCTIONS = ['Ref', 'Condition', 'Sub', 'GetAtt', 'Join', 'If', 'Equals', 'Not', 'And', 'Or', 'Select', 'Split'] as const;
const SECTIONS = ['AWSTemplateFormatVersion', 'Description', 'Metadata', 'Parameters', 'Rules', 'Conditions', 'Resources', 'Outputs'];

const longName = (name: string): string => (name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`);

/** `!Sub x` means `{Fn::Sub: x}`, for texts, lists and maps alike. */
const TAGS: readonly (ScalarTag | CollectionTag)[] = FUNCTIONS.flatMap((name) => {
  const wrap = (value: unknown): unknown => ({ [longName(name)]: name === 'GetAtt' && typeof value === 'string' ? splitOnce(value) : value });
  const collection = (kind: 'seq' | 'map'): CollectionTag => ({ tag: `!${name}`, collection: kind, resolve: (node) => wrapped(node, longName(name)) });
  return [{ tag: `!${name}`, resolve: wrap } satisfies ScalarTag, collection('seq'), collection('map')];
});

/** A collection's content is not read yet when its tag is resolved, so the node learns to say its name when it is turned into data. */
function wrapped<T extends object>(node: T, name: string): T {
  const plain = node as T & { toJSON(...args: unknown[]): unknown };
  const toJSON = plain.toJSON.bind(node);
  plain.toJSON = (...args) => ({ [name]: toJSON(...args) });
  return node;
}

const splitOnce = (text: string): readonly [string, string] => {
  const dot = text.indexOf('.');
  return [text.slice(0, dot), text.slice(dot + 1)];
};

/** @throws Error for a tag or a section that is not known */
export function parseTemplate(source: string): Template {
  const document = parseDocument(source, { customTags: [...TAGS], version: '1.1', merge: false });
  // A tag that is not in the list is only a warning to the parser; here it would be a function that does not run.
  const problems = [...document.errors, ...document.warnings].map(({ message }) => message.split('\n')[0]);
  if (problems.length > 0) throw new Error(`${problems.join('; ')}. The sandbox knows the functions !${FUNCTIONS.join(', !')}`);
  const template = document.toJS() as Template & Readonly<Record<string, unknown>>;
  const sections = Object.keys(template).filter((name) => !SECTIONS.includes(name));
  if (sections.length > 0) throw new Error(`unknown section ${sections.join(', ')}; the sandbox knows ${SECTIONS.join(', ')}`);
  return template;
}

/** What AWS::NoValue leaves behind: the property that holds it goes. */
const NO_VALUE = Symbol('AWS::NoValue');

export type Resolver = Readonly<{
  /** @param path logical ids that are being created, to find circles */
  resolve(value: unknown, path: readonly string[]): unknown;
  /** Whether a resource or output with this Condition exists. */
  holds(condition: string | undefined): boolean;
}>;

export function createResolver(template: Template, stack: Readonly<{ account: string; region: string; stackName: string; parameters: Readonly<Record<string, string>> }>,
  attributesOf: (logicalId: string, path: readonly string[]) => Attributes): Resolver {
  const pseudo: Readonly<Record<string, unknown>> = {
    'AWS::AccountId': stack.account, 'AWS::Region': stack.region, 'AWS::Partition': 'aws', 'AWS::URLSuffix': 'amazonaws.com', 'AWS::StackName': stack.stackName,
    'AWS::StackId': `arn:aws:cloudformation:${stack.region}:${stack.account}:stack/${stack.stackName}/0`, 'AWS::NoValue': NO_VALUE,
  };
  const parameters = readParameters(template, stack.parameters);

  const ref = (name: string, path: readonly string[]): unknown => pseudo[name] ?? parameters.get(name) ?? attribute(name, 'Ref', path);
  const attribute = (id: string, name: string, path: readonly string[]): string => {
    if (path.includes(id)) throw new Error(`circular dependency: ${[...path, id].join(' → ')}`);
    const resource = template.Resources[id];
    if (resource && !holds(resource.Condition)) throw new Error(`"${id}" is referred to, but its condition ${resource.Condition ?? ''} is false`);
    const value = attributesOf(id, path)[name];
    if (value === undefined) throw new Error(`"${id}" has no attribute ${name}`);
    return value;
  };
  const holds = (condition: string | undefined): boolean => {
    if (condition === undefined) return true;
    const value = template.Conditions?.[condition];
    if (value === undefined) throw new Error(`unknown condition ${condition}`);
    return resolve(value, []) === true;
  };
  const substitute = (argument: unknown, path: readonly string[]): string => {
    const [pattern, local] = Array.isArray(argument) ? [String(argument[0]), resolve(argument[1], path) as Readonly<Record<string, unknown>>] : [String(argument), {}];
    return pattern.replace(/\$\{(!?)([^}]+)\}/gu, (_, literal: string, name: string) => {
      if (literal) return `\${${name}}`;
      if (name in local) return String(local[name]);
      const [id, attributeName] = splitOnce(name);
      return String(id !== '' && name.includes('.') ? attribute(id, attributeName, path) : ref(name, path));
    });
  };
  const functions: Readonly<Record<string, (argument: unknown, path: readonly string[]) => unknown>> = {
    Ref: (name, path) => ref(String(name), path),
    Condition: (name) => holds(String(name)),
    'Fn::Sub': substitute,
    'Fn::GetAtt': (argument, path) => {
      const [id, name] = typeof argument === 'string' ? splitOnce(argument) : (argument as readonly [string, string]);
      return attribute(id, name, path);
    },
    'Fn::Join': (argument, path) => {
      const [separator, parts] = argument as readonly [string, unknown];
      return (resolve(parts, path) as readonly unknown[]).map(String).join(separator);
    },
    'Fn::If': (argument, path) => {
      const [condition, yes, no] = argument as readonly [string, unknown, unknown];
      // Only the branch that is taken: the other may refer to resources that do not exist.
      return resolve(holds(condition) ? yes : no, path);
    },
    'Fn::Equals': (argument, path) => {
      const [one, other] = resolve(argument, path) as readonly unknown[];
      return String(one) === String(other);
    },
    'Fn::Not': (argument, path) => (resolve(argument, path) as readonly unknown[])[0] !== true,
    'Fn::And': (argument, path) => (resolve(argument, path) as readonly unknown[]).every((one) => one === true),
    'Fn::Or': (argument, path) => (resolve(argument, path) as readonly unknown[]).some((one) => one === true),
    'Fn::Select': (argument, path) => {
      const [index, values] = resolve(argument, path) as readonly [unknown, readonly unknown[]];
      const value = values[Number(index)];
      if (value === undefined) throw new Error(`Fn::Select: there is no element ${String(index)}`);
      return value;
    },
    'Fn::Split': (argument, path) => {
      const [separator, value] = resolve(argument, path) as readonly [string, string];
      return value.split(separator);
    },
  };

  const resolve = (value: unknown, path: readonly string[]): unknown => {
    if (Array.isArray(value)) return value.map((one) => resolve(one, path)).filter((one) => one !== NO_VALUE);
    if (value instanceof Date) return value.toISOString().slice(0, 10); // an unquoted Version: 2012-10-17
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [name = '', argument] = entries[0] ?? [];
    // `Condition` is also an element of policies, where it holds a map; the function takes a name.
    const isFunction = entries.length === 1 && (name.startsWith('Fn::') || name === 'Ref' || (name === 'Condition' && typeof argument === 'string'));
    if (isFunction) {
      const run = functions[name];
      if (!run) throw new Error(`unknown function ${name}; the sandbox knows ${Object.keys(functions).join(', ')}`);
      return run(argument, path);
    }
    return Object.fromEntries(entries.map(([key, one]) => [key, resolve(one, path)] as const).filter(([, one]) => one !== NO_VALUE));
  };
  return { resolve, holds };
}

function readParameters(template: Template, given: Readonly<Record<string, string>>): ReadonlyMap<string, unknown> {
  const unknown = Object.keys(given).filter((name) => !(name in (template.Parameters ?? {})));
  if (unknown.length > 0) throw new Error(`parameter ${unknown.join(', ')} is not one of this template: ${Object.keys(template.Parameters ?? {}).join(', ')}`);
  return new Map(Object.entries(template.Parameters ?? {}).map(([name, { Type, Default, AllowedValues, AllowedPattern }]) => {
    const value = given[name] ?? Default;
    if (value === undefined) throw new Error(`parameter ${name} has no default and was not given`);
    if (AllowedValues && !AllowedValues.map(String).includes(String(value))) throw new Error(`parameter ${name}: "${String(value)}" is none of ${AllowedValues.join(', ')}`);
    if (AllowedPattern !== undefined && !new RegExp(`^(?:${AllowedPattern})$`, 'u').test(String(value))) throw new Error(`parameter ${name}: "${String(value)}" does not match ${AllowedPattern}`);
    const isList = Type === 'CommaDelimitedList' || Type.startsWith('List<');
    return [name, isList ? String(value).split(',').map((one) => one.trim()).filter(Boolean) : String(value)] as const;
  }));
}
