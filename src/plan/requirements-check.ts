/** What of a requirements.txt cannot be installed on the target, as far as the text and Airflow's constraints tell. Pure; `check` asks a real resolver. */
import { packageName, pinOf } from '../airflow/pins.js';
import { findVersion } from '../airflow/versions.js';

export type Requirement = Readonly<{ line: number; text: string; name: string; specifiers: readonly Specifier[] }>;
type Specifier = Readonly<{ operator: '==' | '!=' | '>=' | '<=' | '>' | '<' | '~='; version: string }>;

/** `line` counts from 1. */
export type RequirementFinding = Readonly<{ line: number; text: string; kind: 'conflict' | 'airflow' | 'backport' | 'gone'; why: string; fix: string }>;

/** Names and specifiers line by line; options, files, addresses and what cannot be read are left out: a resolver must judge them. */
export function requirementsOf(text: string): readonly Requirement[] {
  return text.replace(/\\\r?\n/gu, (joined) => joined.replace(/[^\n]/gu, ' ').replace('\n', ' ')).split('\n').flatMap((line, at) => {
    const bare = line.replace(/(^|\s)#.*$/u, '').replace(/;.*$/u, '').replace(/\s--hash[=\s]\S+/gu, '').trim();
    const found = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*\(?([^@)]*)\)?$/u.exec(bare);
    if (!found) return [];
    const parts = (found[2] ?? '').split(',').map((part) => part.trim()).filter((part) => part !== '');
    const specifiers = parts.map(specifierOf);
    return specifiers.every((one) => one !== undefined) ? [{ line: at + 1, text: bare, name: packageName(found[1] ?? ''), specifiers }] : [];
  });
}

/**
 * @param from Airflow of the source; @param to of the target
 * @returns worst first is not promised: in the order of the lines
 */
export function checkRequirements(text: string, from: string, to: string): readonly RequirementFinding[] {
  return requirementsOf(text).flatMap(({ line, text: said, name, specifiers }): readonly RequirementFinding[] => {
    if (name === 'apache-airflow') return specifiers.length === 0 || satisfies(to, specifiers) !== false ? [] : [{ line, text: said, kind: 'airflow', why: `the image has Airflow ${to}, and pip would have to replace it`, fix: 'remove the line: MWAA brings Airflow itself' }];
    if (name.startsWith('apache-airflow-backport-providers-')) return [{ line, text: said, kind: 'backport', why: 'backport providers are for Airflow 1.10 alone', fix: `use ${name.replace('-backport', '')}` }];
    const pin = pinOf(name, to);
    if (pin === undefined) {
      const before = pinOf(name, from);
      return before === undefined ? [] : [{ line, text: said, kind: 'gone', why: `the constraints of Airflow ${from} named it (${before}), those of ${to} do not`, fix: 'look whether your DAGs still need it, and pin a version that goes with the target' }];
    }
    return satisfies(pin, specifiers) === false ? [{ line, text: said, kind: 'conflict', why: `the constraints of Airflow ${to} pin ${name} to ${pin}, so pip refuses to install`, fix: `allow ${pin}, leave the version to the constraints, or bring constraints of your own` }] : [];
  });
}

/** `is`: undefined where the target's constraints do not name it. */
export type ChangedVersion = Readonly<{ name: string; was: string | undefined; is: string | undefined }>;

/** Providers that every image has, as its constraints pin them. Source: the images' requirements, https://github.com/aws/amazon-mwaa-docker-images */
const IN_THE_IMAGE = ['apache-airflow-providers-amazon', 'apache-airflow-providers-celery', 'apache-airflow-providers-common-io', 'apache-airflow-providers-common-sql', 'apache-airflow-providers-fab', 'apache-airflow-providers-ftp', 'apache-airflow-providers-http', 'apache-airflow-providers-imap', 'apache-airflow-providers-postgres', 'apache-airflow-providers-smtp', 'apache-airflow-providers-sqlite', 'apache-airflow-providers-standard'];

/** Python, the image's providers, and every package that the requirements name without pinning it themselves. */
export function changedVersions(from: string, to: string, requirements: string | undefined): readonly ChangedVersion[] {
  const named = requirementsOf(requirements ?? '').filter(({ specifiers }) => !specifiers.some(({ operator }) => operator === '==')).map(({ name }) => name);
  const versions = [...new Set([...IN_THE_IMAGE, ...named])].sort().map((name) => ({ name, was: pinOf(name, from), is: pinOf(name, to) }));
  return [{ name: 'Python', was: findVersion(from)?.python, is: findVersion(to)?.python }, ...versions].filter(({ was, is }) => was !== is);
}

function specifierOf(part: string): Specifier | undefined {
  const found = /^(===|==|!=|>=|<=|~=|>|<)\s*([0-9A-Za-z.+!*-]+)$/u.exec(part);
  return found ? { operator: (found[1] === '===' ? '==' : found[1]) as Specifier['operator'], version: found[2] ?? '' } : undefined;
}

/** PEP 440 for plain releases; undefined where a version is none (pre-releases, epochs, local ones). */
function satisfies(version: string, specifiers: readonly Specifier[]): boolean | undefined {
  const results = specifiers.map((one) => satisfiesOne(version, one));
  return results.includes(false) ? false : results.includes(undefined) ? undefined : true;
}

function satisfiesOne(version: string, { operator, version: wanted }: Specifier): boolean | undefined {
  const isPrefix = wanted.endsWith('.*');
  const have = releaseOf(version), want = releaseOf(isPrefix ? wanted.slice(0, -2) : wanted);
  if (!have || !want) return undefined;
  if (isPrefix) {
    const starts = want.every((number, at) => have[at] === number);
    return operator === '==' ? starts : operator === '!=' ? !starts : undefined;
  }
  const order = compare(have, want);
  switch (operator) {
    case '==': return order === 0;
    case '!=': return order !== 0;
    case '>=': return order >= 0;
    case '<=': return order <= 0;
    case '>': return order > 0;
    case '<': return order < 0;
    case '~=': return order >= 0 && want.slice(0, -1).every((number, at) => have[at] === number);
  }
}

const releaseOf = (version: string): readonly number[] | undefined => (/^\d+(\.\d+)*(\.post\d+)?$/u.test(version) ? version.replace(/\.post/u, '.').split('.').map(Number) : undefined);

function compare(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
