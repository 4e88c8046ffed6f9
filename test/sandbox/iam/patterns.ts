/**
 * Wildcards and policy variables of IAM policies.
 * Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html and …/reference_policies_elements_resource.html
 */

/** Condition keys in lower case → values. */
export type Context = Readonly<Record<string, readonly string[]>>;

/** A pattern cut into text that counts as it stands, and wildcards. */
type Token = Readonly<{ text: string }> | 'any' | 'one';

const VARIABLE = /\$\{([^}]*)\}/gu;

/**
 * Compiles `*`, `?` and, where `context` is given, `${key}` and `${key, 'default'}`; a variable's value counts as it stands, its own `*` is no wildcard.
 * @param context undefined: policy of version 2008-10-17, which knows no variables
 * @returns undefined when a variable has no value, or several: then the pattern matches nothing
 */
function tokenize(pattern: string, context: Context | undefined): readonly Token[] | undefined {
  const tokens: Token[] = [];
  const wildcards = (text: string): void => {
    for (const part of text.split(/([*?])/u)) {
      if (part === '*') tokens.push('any');
      else if (part === '?') tokens.push('one');
      else if (part) tokens.push({ text: part });
    }
  };
  if (!context) {
    wildcards(pattern);
    return tokens;
  }
  let end = 0;
  for (const match of pattern.matchAll(VARIABLE)) {
    wildcards(pattern.slice(end, match.index));
    end = match.index + match[0].length;
    const value = variable(match[1] ?? '', context);
    if (value === undefined) return undefined;
    tokens.push({ text: value });
  }
  wildcards(pattern.slice(end));
  return tokens;
}

function variable(inside: string, context: Context): string | undefined {
  // ${*}, ${?} and ${$} are how a policy writes these characters themselves.
  if (inside === '*' || inside === '?' || inside === '$') return inside;
  const [, key = inside, fallback] = /^([^,]+?)\s*,\s*'([^']*)'$/u.exec(inside) ?? [];
  const values = context[key.trim().toLowerCase()];
  return values?.length === 1 ? values[0] : fallback;
}

const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/gu, '\\$&');

function toRegExp(tokens: readonly Token[], flags: 'su' | 'sui'): RegExp {
  return new RegExp(`^${tokens.map((token) => (token === 'any' ? '.*' : token === 'one' ? '.' : escape(token.text))).join('')}$`, flags);
}

/** Glob over the whole text, wildcards match every character. */
export function matchesGlob(pattern: string, value: string, context?: Context): boolean {
  const tokens = tokenize(pattern, context);
  return tokens !== undefined && toRegExp(tokens, 'su').test(value);
}

/** Actions are compared without regard to case: `s3:getobject` is `s3:GetObject`. */
export function matchesAction(pattern: string, action: string): boolean {
  return toRegExp(tokenize(pattern, undefined) ?? [], 'sui').test(action);
}

/** The text with its variables replaced; undefined when one has no value. */
export function substitute(text: string, context: Context | undefined): string | undefined {
  if (!context) return text;
  const values = [...text.matchAll(VARIABLE)].map((match) => variable(match[1] ?? '', context));
  if (values.includes(undefined)) return undefined;
  return text.replace(VARIABLE, () => values.shift() ?? '');
}

/**
 * The Resource element. An ARN with fewer than six fields is completed with `*`. A wildcard stays within its field, except in the last field and
 * except a `*` that ends its field: that one "can expand to match beyond the colon boundaries".
 */
export function matchesResource(pattern: string, resource: string, context?: Context): boolean {
  if (pattern === '*') return true;
  const tokens = tokenize(completeArn(pattern), context);
  if (!tokens) return false;
  let field = 0;
  const source = tokens.map((token, index) => {
    if (typeof token === 'object') {
      field += token.text.split(':').length - 1;
      return escape(token.text);
    }
    const next = tokens[index + 1];
    const endsField = next === undefined || (typeof next === 'object' && next.text.startsWith(':'));
    const anything = field >= 5 || (token === 'any' && endsField);
    return `${anything ? '.' : '[^:]'}${token === 'any' ? '*' : ''}`;
  });
  return new RegExp(`^${source.join('')}$`, 'su').test(resource);
}

function completeArn(pattern: string): string {
  const colons = pattern.replace(VARIABLE, '').split(':').length - 1;
  return pattern.startsWith('arn:') && colons < 5 ? pattern + ':*'.repeat(5 - colons) : pattern;
}

/** ArnLike and ArnEquals: the six fields are compared one by one, wildcards stay within theirs. */
export function matchesArn(pattern: string, value: string, context?: Context): boolean {
  const wanted = fields(pattern);
  const given = fields(value);
  return wanted !== undefined && given !== undefined && wanted.every((field, index) => matchesGlob(field, given[index] ?? '', context));
}

/** Six fields of an ARN; colons inside a variable or in the last field separate nothing. */
function fields(arn: string): readonly string[] | undefined {
  const parts = arn.match(/(?:\$\{[^}]*\}|[^:])*(?::|$)/gu)?.map((part) => part.replace(/:$/u, '')) ?? [];
  if (!arn.startsWith('arn:') && arn !== '*') return undefined;
  if (arn === '*') return Array.from({ length: 6 }, () => '*');
  const head = parts.slice(0, 5);
  if (head.length < 5) return undefined;
  const rest = arn.slice(head.reduce((length, part) => length + part.length + 1, 0));
  return [...head, rest];
}
