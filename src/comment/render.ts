/** A report as the one comment that a pull request gets: verdict first, short at the top, never too long. Pure. */
import { withFewerRows, withoutLeastImportant, type Fitted } from '../report/fitting.js';
import { code, type Report, type Section } from '../report/document.js';
import { codeSpan, sentence } from '../report/inert.js';
import { markdownWriter } from '../report/markdown.js';
import { writeMarker, type Marker } from './marker.js';

/**
 * Bytes. GitHub takes 65,536 characters, and how it counts is not documented: no text has more characters, of whatever kind, than bytes of UTF-8.
 * https://github.com/orgs/community/discussions/27190
 */
export const MAX_COMMENT_BYTES = 60_000;
/** Characters of one name or value. */
const MAX_CODE = 160;
/** Rows in an open table: more are folded, so that what follows is seen too. */
const MAX_OPEN_ROWS = 25;

export type CommentFacts = Readonly<{
  marker: Marker;
  /** Page of the workflow run with the whole report; undefined: not on GitHub. */
  runUrl: string | undefined;
  maxBytes?: number;
}>;

/** @returns the comment's whole body: marker, report, and one line that says of which run it is */
export function renderComment(report: Report, { marker, runUrl, maxBytes = MAX_COMMENT_BYTES }: CommentFacts): string {
  const { verdict, section, next } = markdownWriter((value, isCell) => codeSpan(shortCode(value), isCell));
  const firstOpen = report.isGood ? undefined : report.sections[0]?.title;
  const render = ({ sections, dropped, shortened }: Fitted): string => [
    writeMarker(marker), verdict(report), ...notice(dropped, shortened), ...sections.map((one) => section(folded(one, firstOpen))), ...next(report), footer(marker, runUrl),
  ].join('\n\n').replace('\n\n', '\n');

  let fitted: Fitted = { sections: [], dropped: report.sections.map(({ title }) => title), shortened: [] };
  for (fitted of withoutLeastImportant(report.sections)) {
    const body = render(fitted);
    if (Buffer.byteLength(body) <= maxBytes) return body;
  }
  for (const fewer of withFewerRows(fitted, SUMMARY)) {
    const body = render(fewer);
    if (Buffer.byteLength(body) <= maxBytes) return body;
  }
  // Hundreds of sections that may not be dropped: the verdict and the way to the rest are what is left.
  return render({ sections: [], dropped: [], shortened: [] }).replace('\n\n', `\n\n**Too much for a comment: everything is in ${SUMMARY}.**\n\n`);
}

const SUMMARY = 'the job summary';
const TITLES = 30;

function notice(dropped: readonly string[], shortened: readonly string[]): readonly string[] {
  const named = (titles: readonly string[]): string => `${titles.slice(0, TITLES).map(sentence).join(', ')}${titles.length > TITLES ? ` and ${titles.length - TITLES} more` : ''}`;
  return [
    ...(dropped.length > 0 ? [`**Left out here, because GitHub limits a comment; they are in ${SUMMARY}:** ${named(dropped)}.`] : []),
    ...(shortened.length > 0 ? [`**Only the first rows are here, more of them in ${SUMMARY} and the artifacts:** ${named(shortened)}.`] : []),
  ];
}

/** Open: what is important and short. What blocks stays open whatever its length. */
function folded(section: Section, firstOpen: string | undefined): Section {
  const isLong = section.blocks.some((block) => (block.kind === 'table' ? block.rows.length : block.kind === 'list' ? block.items.length : 0) > MAX_OPEN_ROWS);
  return { ...section, isFolded: section.title !== firstOpen && (section.isFolded === true || section.importance > 1 || isLong) };
}

/** Cut between characters, with the length that it had, so that nobody takes the beginning for the whole. */
function shortCode(value: string): string {
  const characters = value.length > MAX_CODE ? [...value] : [];
  return characters.length > MAX_CODE ? `${characters.slice(0, MAX_CODE).join('')}… (${characters.length} characters)` : value;
}

/** The last line: it changes with every run, and alone does not make the comment a new one. */
function footer({ commit, tool }: Marker, runUrl: string | undefined): string {
  const at = commit && /^[0-9a-f]{7,64}$/u.test(commit) ? ` on commit ${codeSpan(commit.slice(0, 12), false)}` : '';
  const run = runUrl && /^https?:\/\/[\w.:-]+(?:\/[\w.-]+)+$/u.test(runUrl) ? `[the job summary](${runUrl})` : SUMMARY;
  return `<sub>By mwaa-migrate ${sentence(tool)}${at}. The whole report is in ${run}. This comment changes when what it says does; later runs that find the same leave it alone.</sub>`;
}

/** For a phase that ended before it had a report: what stood in the comment was about another commit. */
export function failureReport(what: string, why: string, fix: string): Report {
  return {
    verdict: 'Phase plan failed: there is no plan for this commit', isGood: false,
    sections: [{ title: 'What happened', importance: 1, blocks: [{ kind: 'list', items: [[code(what)], ['Why: ', code(why)], ['Fix: ', code(fix)]] }] }],
    next: ['Repair it and push again, or run the workflow again. Nothing was changed.'],
  };
}
