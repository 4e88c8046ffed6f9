/** The page of a migration that has been cut over, but for two DAGs, as the last job of the workflow writes it. */
import { pageOf } from '../../src/page/page.js';
import { finishReport } from '../../src/report/finish-report.js';
import { readJobs } from '../../src/report/job-results.js';
import { storySections } from '../../src/report/story-sections.js';
import { toldNeeds, toldStory } from '../../test/builders/told-migration.js';

const NOW = '2026-11-22T13:24:05Z';

export function examplePage(): string {
  const story = toldStory();
  const report = finishReport({
    id: 'analytics-2026', source: 'analytics', jobs: readJobs(toldNeeds({ cutover: 'failure' })), unknown: undefined, run: 'https://github.com/acme/data-platform/actions/runs/9871', now: NOW,
    status: {
      id: 'analytics-2026', journal: story.journal, location: 's3://mwaa-migration-111122223333-eu-west-1/data/migration/2.4.3_to_2.10.3/analytics-2026/journal.json', lock: undefined, now: NOW,
      active: { source: { active: 0, all: 209 }, target: { active: 166, all: 209 } }, more: storySections(story),
    },
  });
  return pageOf('analytics-2026', report, NOW);
}
