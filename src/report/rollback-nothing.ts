/** A rollback that has nothing to put back. */
import { code, text, type Report } from './document.js';
import { dryReport } from './dry-report.js';
import { leftoverWords, tidiedSections, type Leftovers } from './tidied-section.js';

/**
 * @param why undefined: there is no journal at all
 * @param found what was cleared away; undefined: nobody has looked
 */
export function rollbackToNothing(source: string, why: string | undefined, found: Leftovers | undefined): Report {
  return {
    verdict: ['Nothing to go back from: no final export has paused ', code(source)], isGood: true,
    sections: [
      { title: 'What was found', importance: 1, blocks: [why === undefined ? text('This migration has not begun: there is no journal in the migration bucket. Was it another id, version or account?') : text(code(why), '.')] },
      ...tidiedSections(found),
    ],
    next: ['Nothing.'],
  };
}

/** A rollback that no person has asked for, of what is not its own. */
export function leftAlone(source: string, why: string): Report {
  return {
    verdict: ['Nothing was rolled back on ', code(source)], isGood: true,
    sections: [{ title: 'Why', importance: 1, blocks: [
      text(code(why), '. Nothing was changed.'),
      text('A rollback that a workflow begins by itself undoes only what the same workflow run has paused, and never a finished cutover. A person can go back at any time: phase rollback without a mode.'),
    ] }],
    next: ['Nothing, unless you want to go back: then run phase rollback.'],
  };
}

export function dryTidy(source: string, why: string, found: Leftovers): Report {
  const words = leftoverWords(found);
  const report = dryReport({
    verdict: `Dry run: nothing to go back from; would ${words.length > 0 ? 'only clear away what lies around' : 'do nothing'}`,
    would: [`leave the DAGs of ${source} as they are: ${why}`], next: words.length > 0 ? 'Run phase rollback without dry-run to clear it away.' : 'Nothing.',
  });
  return words.length > 0 ? { ...report, sections: [...report.sections, ...tidiedSections(found).map((section) => ({ ...section, title: 'It would clear away' }))] } : report;
}
