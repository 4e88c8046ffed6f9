import { UserError } from '../errors.js';
import type { Bucket, Context, OpenJournal } from '../ports.js';
import { PAGE_OBJECT, pageOf } from '../page/page.js';
import { statusReport } from '../report/status-report.js';
import { storySections, type Story } from '../report/story-sections.js';
import { readStory } from './read-story.js';

/**
 * Writes the page of the whole migration into its bucket, before the lock is given back: nobody else's newer page is overwritten. It only
 * tells, so what keeps it from being written is warned of and fails no phase.
 */
export async function writePage({ file, clock, log }: Pick<Context, 'file' | 'clock' | 'log'>, bucket: Bucket, prefix: string, journal: OpenJournal, plan: Story['plan']): Promise<void> {
  const key = `${prefix}${PAGE_OBJECT}`;
  try {
    const story = await readStory(bucket, prefix, journal.current, plan);
    const html = render(file.id, story, `s3://${bucket.name}/${prefix}journal.json`, clock.now().toISOString());
    await bucket.write(key, html, { contentType: 'text/html; charset=utf-8', cacheControl: 'no-store' });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    log.warn(`The page s3://${bucket.name}/${key} was not written: ${error.what} The phase goes on without it.`);
  }
}

/** @throws {UserError} also for a defect of ours: a page is not worth a phase */
function render(id: string, story: Story, location: string, now: string): string {
  try {
    return pageOf(id, statusReport({ id, journal: story.journal, location, lock: undefined, now, more: storySections(story) }), now);
  } catch (cause) {
    throw new UserError(`It could not be made (${cause instanceof Error ? cause.message : 'no reason given'}).`, 'this is a defect of mwaa-migrate.', 'please report it.', { cause });
  }
}
