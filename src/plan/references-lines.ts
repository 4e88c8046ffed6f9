/** Which lines of a repository name an environment. */
import type { LineSearch, NameKind } from '../reference-sources.js';
import type { Place } from './references-policies.js';

/** Lines longer than this are generated; a part of one is enough to know. Characters. */
const MAX_LINE = 4_096;

/**
 * What to look for. An environment's bare name counts only as a value of its own (`name: analytics`, `--name analytics`, `"analytics"`): "analytics" in a
 * sentence or in the name of a module is not about the environment.
 * @param host of the web server, undefined: not known
 * @param without paths that name the environment by their nature
 */
export function lineSearch({ environment, bucket, executionRole }: Place, host: string | undefined, without: readonly string[]): LineSearch {
  const name = escape(environment);
  const role = executionRole?.split('/').at(-1);
  const rules: readonly (readonly [NameKind, RegExp])[] = [
    ['ARN', new RegExp(String.raw`:environment/${name}${END}`, 'u')],
    ['Airflow role', new RegExp(String.raw`:role/${name}/(?:Admin|Op|User|Viewer|Public|\*)`, 'u')],
    ['log group', new RegExp(String.raw`airflow-${name}-(?:DAGProcessing|Scheduler|Task|WebServer|Worker|\*)`, 'u')],
    ['bucket', new RegExp(String.raw`(?<![a-z0-9.-])${escape(bucket)}(?![a-z0-9-]|\.(?!s3)[a-z0-9])`, 'u')],
    ...(host ? [['web server', new RegExp(String.raw`(?<![A-Za-z0-9.-])${escape(host)}${END}`, 'u')] as const] : []),
    ...(role ? [['execution role', new RegExp(String.raw`(?<![\w+=,.@-])${escape(role)}(?![\w+=,@-])`, 'u')] as const] : []),
    ['name', new RegExp(String.raw`(["'\x60])${name}\1|(?:[=:]|(?:^|\s)--?[\w-]*name)\s*${name}(?=[\s,;)\]}#&|]|$)|^\s*-\s+${name}\s*$`, 'u')],
  ];
  return {
    needles: [environment, bucket, ...(host ? [host] : []), ...(role ? [role] : [])], without,
    match: (line) => {
      const text = line.slice(0, MAX_LINE);
      const kinds = rules.filter(([, rule]) => rule.test(text)).map(([kind]) => kind);
      // Whoever names more than the name is told once.
      return kinds.length > 1 ? kinds.filter((kind) => kind !== 'name') : kinds;
    },
  };
}

const END = String.raw`(?![\w-])`;
const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/gu, '\\$&');
