/** A journal's text, both ways. What it refuses is named with the place, because a damaged journal can only be repaired by a person. */
import { InternalError, UserError } from '../errors.js';
import { JOURNAL_SCHEMA, type Attempt, type Journal, type JournalSide, type Lock } from './journal.js';

/** Indented: people read it in the S3 console when something went wrong. */
export const renderJournal = (journal: Journal): string => `${JSON.stringify(journal, undefined, 2)}\n`;

/**
 * @param location where the text lies, for messages
 * @throws UserError for a newer schema, for text that is no JSON (cut short or edited by hand)
 * @throws InternalError for JSON that is no journal
 */
export function parseJournal(text: string, location: string): Journal {
  const value = parseJson(text, location);
  if (isRecord(value) && Number(value['schema']) > JOURNAL_SCHEMA)
    throw new UserError(
      `${location} has journal schema ${String(value['schema'])}; this release reads up to ${JOURNAL_SCHEMA}.`,
      'a newer release of mwaa-migrate began this migration; guessing could repeat a finished phase.',
      'pin that release or a newer one in "uses:".',
    );
  if (!isJournal(value)) throw new InternalError(`${location} is not a journal`);
  // Absent in JSON is undefined here; both keys are always there for the code.
  return { ...value, planDigest: value.planDigest, lock: value.lock };
}

function parseJson(text: string, location: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(
      `${location} is not valid JSON.`,
      'without the journal nobody can tell what the migration has already done, so nothing was called.',
      'restore the newest whole version of this object in the S3 console (the bucket keeps every version) and run the phase again.',
      { cause: error },
    );
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const isEvery = <T>(value: unknown, is: (entry: unknown) => entry is T): value is readonly T[] => Array.isArray(value) && value.every(is);
const isOptional = <T>(value: unknown, is: (entry: unknown) => entry is T): value is T | undefined => value === undefined || is(value);

const isSide = (value: unknown): value is JournalSide => isRecord(value) && ['environment', 'region', 'airflowVersion'].every((key) => isText(value[key]));
const isLock = (value: unknown): value is Lock => isRecord(value) && ['owner', 'since', 'expiresAt', 'token'].every((key) => isText(value[key]));
const isEntry = (name: string) => (value: unknown): value is Readonly<Record<string, unknown>> =>
  isRecord(value) && [name, 'at', 'by'].every((key) => isText(value[key])) && isOptional(value['data'], isRecord);
const isManifest = (value: unknown): value is NonNullable<Attempt['manifest']> =>
  isRecord(value) && ['key', 'versionId', 'sha256', 'scope'].every((key) => isText(value[key])) && Number.isInteger(value['bytes']);
const isAttempt = (value: unknown): value is Attempt =>
  isRecord(value) &&
  Number.isInteger(value['number']) &&
  (value['mode'] === 'rehearsal' || value['mode'] === 'final') &&
  isText(value['startedAt']) &&
  isEvery(value['steps'], isEntry('name')) &&
  isOptional(value['manifest'], isManifest);

const isJournal = (value: unknown): value is Journal =>
  isRecord(value) &&
  value['schema'] === JOURNAL_SCHEMA &&
  isText(value['migrationId']) &&
  isSide(value['source']) &&
  isSide(value['target']) &&
  isOptional(value['planDigest'], isText) &&
  isOptional(value['lock'], isLock) &&
  isEvery(value['attempts'], isAttempt) &&
  isEvery(value['finished'], isEntry('phase')) &&
  typeof value['cleaned'] === 'boolean';
