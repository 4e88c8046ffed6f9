import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { InternalError, UserError } from '../../../src/errors.js';
import { JOURNAL_SCHEMA } from '../../../src/journal/journal.js';
import { parseJournal, renderJournal } from '../../../src/journal/parse.js';

/** One whole journal of every released schema; a release that cannot read it any more breaks running migrations. */
const FIXTURE = readFileSync(new URL('./journal-schema-1.json', import.meta.url), 'utf8');
const PLACE = 's3://b/journal.json';

describe('parseJournal', () => {
  it('reads the journal of schema 1 and writes the same again', () => {
    const journal = parseJournal(FIXTURE, PLACE);
    expect(journal.attempts.map(({ number, mode }) => [number, mode])).toEqual([[1, 'rehearsal'], [2, 'final']]);
    expect(journal.attempts[1]?.manifest?.scope).toHaveLength(64);
    expect(JSON.parse(renderJournal(journal))).toEqual(JSON.parse(FIXTURE));
  });

  it('gives absent keys as undefined', () => expect(parseJournal(FIXTURE.replace(/"lock": \{[^}]*\},/u, ''), PLACE)).toHaveProperty('lock', undefined));

  it('refuses a newer schema, saying which release to pin', () => {
    expect(() => parseJournal(JSON.stringify({ schema: JOURNAL_SCHEMA + 1 }), PLACE)).toThrow(UserError);
    expect(() => parseJournal(JSON.stringify({ schema: JOURNAL_SCHEMA + 1 }), PLACE)).toThrow(/schema 2; this release reads up to 1[\s\S]*pin that release/u);
  });

  it('names the place of text that was cut short', () => expect(() => parseJournal(FIXTURE.slice(0, 200), PLACE)).toThrow(/s3:\/\/b\/journal\.json is not valid JSON[\s\S]*restore the newest whole version/u));

  it.each(['null', '[]', '{}', FIXTURE.replace('"cleaned": false', '"cleaned": 0'), FIXTURE.replace('"final"', '"full"'), FIXTURE.replace('"number": 1', '"number": "1"')])('does not take %.20s… for a journal', (text) =>
    expect(() => parseJournal(text, PLACE)).toThrow(InternalError));
});
