/** requirements.txt for the target: the constraint line of its Airflow and Python, everything else byte by byte. */
import { constraintsUrl } from '../airflow/constraints.js';

export type RequirementsChange = Readonly<{
  text: string;
  /** none: nothing was there. kept: right already, or the user's own file, which we do not judge. */
  change: 'kept' | 'added' | 'replaced';
  line: string;
  /** The line that was replaced, without its end. */
  before: string | undefined;
}>;

/**
 * The image looks in every line, comments too, for `-c ` or `--constraint ` (with a space) and forces its own constraints when
 * nothing matches. So only this form of the line is written.
 * Airflow's own constraints address of another version or Python is wrong for the target; any other address or path is the user's choice.
 * @returns undefined when MWAA never sold `targetVersion`
 */
export function requirementsFor(targetVersion: string, text: string): RequirementsChange | undefined {
  const url = constraintsUrl(targetVersion);
  if (!url) return undefined;
  const line = `--constraint "${url}"`;
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  let before: string | undefined, isUsers = false;
  const rewritten: string[] = [];
  for (const whole of lines) {
    const content = whole.replace(/\r?\n$/, '');
    const end = whole.slice(content.length);
    const found = /^\s*(?:-c|--constraint)(?:\s+|=)["']?([^"'\s#]+)["']?/.exec(content);
    if (!found) rewritten.push(whole);
    else if (!AIRFLOW_CONSTRAINTS.test(found[1] ?? '')) {
      isUsers = true;
      rewritten.push(whole);
    } else if (before === undefined) {
      before = content;
      rewritten.push(isSame(content, found[1] ?? '', url) ? whole : line + end);
    } // A second line of Airflow's constraints would contradict the first: pip takes both, and fails.
  }
  if (before === undefined && isUsers) return { text, change: 'kept', line, before: undefined };
  if (before === undefined) return { text: `${line}${newlineOf(text)}${text}`, change: 'added', line, before: undefined };
  const result = rewritten.join('');
  return result === text ? { text, change: 'kept', line, before } : { text: result, change: 'replaced', line, before };
}

const AIRFLOW_CONSTRAINTS = /raw\.githubusercontent\.com\/apache\/airflow\/constraints-|airflow\.apache\.org\/constraints|\/apache\/airflow\/constraints-/;
const newlineOf = (text: string) => (/\r\n/.test(text) ? '\r\n' : '\n');
/** `--constraint=URL` does not count for the image, so it is written anew although the address is right. */
const isSame = (content: string, address: string, url: string) => address === url && /(?:-c|--constraint)\s/.test(content);
