/** What a rule printed → findings, and what is said about those that are missing. Pure. */
import { counted } from '../report/document.js';
import type { CheckFinding, CheckLevel } from './check-report.js';

/** Of one program. */
const MAX_FINDINGS = 20_000;

export type Told = Readonly<{ findings: readonly CheckFinding[]; notChecked: readonly string[] }>;

/** An error: what a rule would have found may be one, and green would deny it. */
export const incomplete = (what: string): Told => ({
  findings: [{ code: 'check-incomplete', level: 'error', file: undefined, line: undefined, dagId: undefined, what, why: 'what it would have found is not known, so this check cannot be green.', fix: 'run the phase again; if it stays, look for a file of unusual size or shape, and tell us.', replacement: undefined }],
  notChecked: [what],
});

/** What a rule found. `cut`: so many more than are listed. `malformed`: entries that are no findings; rules read hostile files. */
export type RuleFindings = Readonly<{ findings: readonly CheckFinding[]; cut: number; malformed: number }>;

/** undefined: it is no list. */
export function findingsOf(list: unknown): RuleFindings | undefined {
  if (!Array.isArray(list)) return undefined;
  const looked = list.slice(0, MAX_FINDINGS), findings = looked.flatMap(findingOf);
  return { findings, cut: list.length - looked.length, malformed: looked.length - findings.length };
}

/** undefined: it is no answer of a rule. */
export function readRuleAnswer(text: string): RuleFindings | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('findings' in value)) return undefined;
  const read = findingsOf(value.findings), cut = 'cut' in value && typeof value.cut === 'number' && Number.isSafeInteger(value.cut) && value.cut > 0 ? value.cut : 0;
  return read === undefined ? undefined : { ...read, cut: read.cut + cut };
}

/** @param who found it, as the subject of a sentence in the plural */
export function told(who: string, { findings, cut, malformed }: RuleFindings): Told {
  const lost = malformed === 0 ? { findings: [], notChecked: [] } : incomplete(`${who} gave ${counted(malformed, 'entry', 'entries')} that ${malformed === 1 ? 'is no finding' : 'are no findings'}; what ${malformed === 1 ? 'it was' : 'they were'} to say is not known.`);
  return { findings: [...findings, ...lost.findings], notChecked: [...lost.notChecked, ...(cut === 0 ? [] : [`${who} found ${cut} more than ${findings.length === 1 ? 'the one that is' : `the ${findings.length} that are`} listed; those are the least important.`])] };
}

const LEVELS: readonly CheckLevel[] = ['error', 'warning', 'notice'];

function findingOf(value: unknown): readonly CheckFinding[] {
  if (typeof value !== 'object' || value === null) return [];
  const entry = value as Readonly<Record<string, unknown>>;
  const text = (name: string): string | undefined => (typeof entry[name] === 'string' ? entry[name] : undefined);
  const level = LEVELS.find((one) => one === entry['level']), code = text('code'), what = text('what');
  if (level === undefined || what === undefined || code === undefined || !/^[a-z][a-z0-9-]{0,79}$/u.test(code)) return [];
  const line = typeof entry['line'] === 'number' && Number.isSafeInteger(entry['line']) && entry['line'] >= 1 ? entry['line'] : undefined;
  return [{ code, level, file: text('file'), line, dagId: text('dagId'), what, why: text('why'), fix: text('fix'), replacement: text('replacement') }];
}
