/** Text of strangers as Markdown that stays text: GitHub makes no markup, link, mention, row or line of it. Pure. */
import { visible } from './document.js';

const reference = (character: string): string => `&#${character.codePointAt(0) ?? 0};`;

/**
 * Text as inert inline code: no new cell or row, HTML, emphasis or mention (an escaped @ alone still mentions). GitHub looks for addresses
 * of mail after references are read, so a tag, which is not copied along, parts them; for www. it looks before.
 */
export const inlineCode = (value: string): string =>
  `<code>${visible(value).replace(/[^A-Za-z0-9 ,.-]|(?<=www)\./giu, (character) => `${reference(character)}${character === '@' ? '<wbr>' : ''}`)}</code>`;

/**
 * Text as a code span: shorter than `inlineCode` by half, and GitHub looks for no address in it, which it does in the text of a
 * <code> element (https://github.github.com/gfm/#autolinks-extension-).
 * @param isCell in a table a pipe ends the cell, in code too, unless it is escaped: https://github.github.com/gfm/#example-200
 */
export function codeSpan(value: string, isCell: boolean): string {
  if (/\S{40}/u.test(value) && PLAIN_NAME.test(value)) return wrapping(value);
  const shown = visible(value).replace(/\r\n?|\n/gu, '↵').replace(/\p{Cc}/gu, ' ');
  if (shown === '') return '(empty)';
  // A backslash of the text before our own would escape that one, and leave the pipe free.
  const text = isCell ? shown.replace(/(\\*)\|/gu, (_, slashes: string) => (slashes === '' ? '\\|' : `${slashes}[U+7C]`)) : shown;
  const fence = '`'.repeat(Math.max(0, ...[...text.matchAll(/`+/gu)].map(([run]) => run.length)) + 1);
  // One blank on both sides is taken away again; without it a backtick or blank at an end would count as ours.
  const pad = /^`|`$|^ .* $/u.test(text) && text.trim() !== '' ? ' ' : '';
  return `${fence}${pad}${text}${pad}${fence}`;
}

/** Modules, ARNs, keys: nothing in them could be an address or markup but their underscores. */
const PLAIN_NAME = /^(?!.*(?:www\.|:\/\/))[\w.:/, -]*$/iu;

/** A long name that may go on in the next line behind a dot, slash, colon or line, which a code span never does: its table would be wider than the page. */
const wrapping = (name: string): string =>
  `<code>${name.replace(/\S{24,}?[./:_-](?=\S{8})/gu, '$&\u200c').replaceAll('_', '&#95;').replaceAll('\u200c', '<wbr>')}</code>`;

/** Ends a word for GitHub's search for links and mentions, and is not seen. */
const BREAK = '&#8203;';
/** A word longer than this makes a table so wide that nobody sees its other columns: it may go on in the next line. Nothing of it is copied along. */
const LONG_WORD = /\S{100,}/gu, PIECE = /\S{60}(?=\S)/gu;

/** Our own sentences; what could be markup is escaped all the same, for a number or name may have slipped in. */
export const sentence = (value: string): string =>
  visible(value)
    // What `visible` has taken out of the text may stand for something of ours. Here: marks the places at which GitHub would begin a mention, a reference (#12, GH-12), a commit or an address; character references do not keep it from that.
    .replace(/@|#(?=\d)|\bGH-(?=\d)|:(?=\/\/)|\bwww(?=\.)|\b(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{6}(?=[0-9a-f])/giu, (found) => `${found}\u200b`)
    .replace(LONG_WORD, (word) => word.replace(PIECE, (piece) => `${piece}\u200c`))
    .replace(/[^A-Za-z0-9 ,.;:()'/%?!\u2013\u2026\u2192\u200b\u200c-]/gu, (c) => (c === '\n' ? ' ' : reference(c)))
    .replaceAll('\u200b', BREAK)
    .replaceAll('\u200c', '<wbr>')
    // At the beginning of a line these make a list, a rule or a block of code.
    .replace(/^ *-(?=[ -]|$)|^ *\d+[.)](?= |$)/u, (found) => found.slice(0, -1) + reference(found.slice(-1)))
    .replace(/ {2,}/gu, ' ');

/** A fence that nothing inside can close; GitHub makes no link, mention or markup inside it. */
export function fenced(language: string, content: string): string {
  const longest = Math.max(2, ...[...content.matchAll(/`+/gu)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${visible(content).replace(/\r\n?/gu, '\n').replace(/[^\P{Cc}\n\t]/gu, '\u{fffd}').trimEnd()}\n${fence}`;
}
