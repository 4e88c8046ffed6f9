/** The per-attempt DAG file: constants rendered into the Python source that ships with us (design §4). Pure. */
import { InternalError } from '../../../errors.js';
import type { Rendered } from '../../../airflow/protocol.js';

/** The one line of src/dags/*.py that is replaced. */
const PLACEHOLDER = /^RENDERED = None {2}# mwaa-migrate: rendered$/mu;
const RENDERED_LINE = /^RENDERED = json\.loads\((".*")\)$/mu;

/** @throws InternalError when the source has no place for the constants, or more than one */
export function renderDagFile(source: string, rendered: Rendered): string {
  if (source.split('\n').filter((line) => PLACEHOLDER.test(line)).length !== 1) throw new InternalError('The DAG source needs exactly one line "RENDERED = None  # mwaa-migrate: rendered".');
  // A function, for "$&" in a replacement text would be read as a pattern.
  return source.replace(PLACEHOLDER, () => `RENDERED = json.loads(${pythonLiteral(JSON.stringify(rendered))})`);
}

/** The constants of a rendered file; undefined when it is none of ours. */
export function readRendered(file: string): Rendered | undefined {
  const literal = RENDERED_LINE.exec(file)?.[1];
  if (!literal) return undefined;
  try {
    return JSON.parse(JSON.parse(literal) as string) as Rendered;
  } catch {
    // A file edited by hand is simply replaced.
    return undefined;
  }
}

/**
 * A Python string literal in ASCII alone, so that no editor, locale or file system on the way can change it. Letters beyond ASCII
 * become JSON escapes inside the text (json.loads joins surrogate pairs again); what JSON escapes in a string, Python reads the same.
 */
function pythonLiteral(json: string): string {
  const ascii = json.replace(/[^\x20-\x7e]/gu, (letter) => [...Array(letter.length).keys()].map((index) => `\\u${letter.charCodeAt(index).toString(16).padStart(4, '0')}`).join(''));
  return JSON.stringify(ascii);
}

/** True when the file says the same for long enough: then it is not written again, and no environment has to parse it again. */
export function isSameRendering(file: string, source: string, wanted: Rendered, validUntil: Date): boolean {
  const there = readRendered(file);
  return there !== undefined && Date.parse(there.expiresAt) >= validUntil.getTime() && renderDagFile(source, { ...wanted, expiresAt: there.expiresAt }) === file;
}
