import { UserError } from '../errors.js';
import type { Journal } from '../journal/journal.js';
import { withLock } from '../journal/transitions.js';
import type { Bucket, Context, OpenJournal } from '../ports.js';
import { PAGE_OBJECT, pageOf } from '../page/page.js';
import { statusReport } from '../report/status-report.js';
import { storySections, type Story } from '../report/story-sections.js';
import { readStory } from './read-story.js';

/**
 * Writes the page of the whole migration into its bucket, before the lock is given back: nobody else's newer page is overwritten. It only
 * tells, so whatever keeps it from being written, a defect of ours too, is warned of: it must neither fail a phase nor hide why one failed.
 */
export async function writePage({ file, clock, log }: Pick<Context, 'file' | 'clock' | 'log'>, bucket: Bucket, prefix: string, journal: OpenJournal, plan: Story['plan']): Promise<void> {
  const key = `${prefix}${PAGE_OBJECT}`;
  try {
    const story = await readStory(bucket, prefix, journal.current, plan);
    const html = render(file.id, story, `s3://${bucket.name}/${prefix}journal.json`, clock.now().toISOString());
    // Changes nothing, and refuses where the lease was lost: whoever took over tells more than this runner knows.
    await journal.update((current) => current);
    await bucket.write(key, html, { contentType: 'text/html; charset=utf-8', cacheControl: 'no-store' });
  } catch (error) {
    log.warn(`The page s3://${bucket.name}/${key} was not written: ${wordsOf(error)} The phase goes on without it.`);
  }
}

/**
 * The end of work under the journal's lock: the page where there is something to tell, then the lock is given back. Also after a failure: how far
 * it came is what a person looks for then. A phase that refused has changed nothing, so it writes nothing.
 * @param work `before` undefined: it had not begun
 */
export async function endWithPage(context: Parameters<typeof writePage>[0], bucket: Bucket, prefix: string, journal: OpenJournal, { before, isDone, plan }: Readonly<{ before: Journal | undefined; isDone: boolean; plan: Story['plan'] }>): Promise<void> {
  try {
    if ((isDone || (before && hasMoved(before, journal.current))) && !journal.current.cleaned) await writePage(context, bucket, prefix, journal, plan);
  } finally {
    await journal.close();
  }
}

/** Whether something was done since `before`; a phase that refused has only held the lock. */
const hasMoved = (before: Journal, now: Journal): boolean => JSON.stringify(withLock(before, undefined)) !== JSON.stringify(withLock(now, undefined));

const render = (id: string, story: Story, location: string, now: string): string => pageOf(id, statusReport({ id, journal: story.journal, location, lock: undefined, now, more: storySections(story) }), now);

const wordsOf = (error: unknown): string => (error instanceof UserError ? error.what : `It could not be made (${error instanceof Error ? error.message : 'no reason given'}); please report this defect of mwaa-migrate.`);
