/** Findings of several sources about the same place become one. Pure. */
import type { CheckFinding } from './check-report.js';
import { byWeight } from './write-check-report.js';

/** Codes of findings that say "it does not load", which a rule at the same line explains. */
const FAILURES: ReadonlySet<string> = new Set(['import-error', 'dag-error']);

/** Sorted. A failure to load that a rule at its line explains takes the rule's code and cure, and keeps its own words as the reason. */
export function mergeFindings(loaded: readonly CheckFinding[], rules: readonly CheckFinding[]): readonly CheckFinding[] {
  const merged = loaded.map((failure): CheckFinding => {
    if (!FAILURES.has(failure.code)) return failure;
    const explained = rules.filter((rule) => isSamePlace(rule, failure) && explains(rule, failure)).sort((a, b) => Number(b.replacement !== undefined) - Number(a.replacement !== undefined) || byWeight(a, b));
    const [best] = explained;
    if (best === undefined) return failure;
    return { ...failure, code: best.code, what: best.what, why: [best.why, failure.what].filter((one) => one !== undefined).join(' '), fix: best.fix ?? failure.fix, replacement: best.replacement };
  });
  // The rule itself goes by the same code at the same place.
  return unique([...merged, ...rules]).sort(byWeight);
}

const isSamePlace = (rule: CheckFinding, failure: CheckFinding): boolean => rule.file !== undefined && rule.file === failure.file && rule.line !== undefined && rule.line === failure.line;

/** A line may hold more than what broke it: only a rule that is about the name of which Python or Airflow speaks is its reason. */
function explains(rule: CheckFinding, { what: said }: CheckFinding): boolean {
  if (rule.level === 'notice') return false;
  if (rule.code === 'syntax-error') return /\b(?:Syntax|Indentation|Tab)Error\b/u.test(said);
  if (rule.code === 'argument-by-position') return /positional arguments? /u.test(said);
  // "'DAG' object has no attribute 'concurrency'" is about the second.
  const names = [...said.replace(/'[^']*' object\b/gu, '').matchAll(/['"`]([A-Za-z_][\w.]*)['"`]/gu)].flatMap(([, name]) => (name === undefined || name === 'airflow' ? [] : [name]));
  return names.some((name) => new RegExp(`(?<!\\w)${name.replaceAll('.', '\\.')}(?!\\w)`, 'u').test(rule.what));
}

/** The same code at the same place about the same thing: the worst stays, and one with a replacement before one without. */
function unique(findings: readonly CheckFinding[]): CheckFinding[] {
  const kept = new Map<string, CheckFinding>();
  for (const finding of [...findings].sort(byWeight)) {
    const key = JSON.stringify([finding.file, finding.line, finding.code, finding.dagId, finding.what]);
    const before = kept.get(key);
    if (before === undefined || (before.replacement === undefined && finding.replacement !== undefined)) kept.set(key, before === undefined ? finding : { ...finding, level: before.level });
  }
  return [...kept.values()];
}
