/** Names and values before and after, as the lines of a diff: what goes is red, what comes is green, one line each whatever they hold. Pure. */
import { listing, type Block } from './document.js';

export type DiffSide = Readonly<{ name: string; /** undefined: only the name counts. */ value: string | undefined }>;
export type DiffEntry = Readonly<{
  /** undefined: it is new. */
  before: DiffSide | undefined;
  /** undefined: it is not there any more. */
  after: DiffSide | undefined;
  /** Behind the last of its lines. */
  note?: string | undefined;
}>;

/** Characters of a name or value: lines of a listing do not wrap. */
const MAX = 120;

export function diffBlock(entries: readonly DiffEntry[]): Block {
  return listing('diff', entries.flatMap(({ before, after, note }) => {
    const was = before && lineOf(before), is = after && lineOf(after);
    const lines = was === is ? [`  ${was ?? ''}`] : [...(was === undefined ? [] : [`- ${was}`]), ...(is === undefined ? [] : [`+ ${is}`])];
    return lines.map((line, at) => (note !== undefined && at === lines.length - 1 ? `${line}  # ${oneLine(note)}` : line));
  }).join('\n'));
}

const lineOf = ({ name, value }: DiffSide): string => (value === undefined ? oneLine(name) : `${oneLine(name)} = ${oneLine(value)}`);

/** A line end of the text would begin a line of its own, red or green as it likes. */
function oneLine(text: string): string {
  const line = text.replace(/\r\n?|[\n\u0085\u2028\u2029\v\f]/gu, '↵');
  return line.length > MAX ? `${[...line].slice(0, MAX).join('')}… (${line.length} characters)` : line;
}
