import { describe, expect, it } from '@jest/globals';
import type { Rendered } from '../../../src/airflow/protocol.js';
import { isSameRendering, readRendered, renderDagFile } from '../../../src/gateways/airflow/transports/dag-file.js';

const SOURCE = 'import json\n\nRENDERED = None  # mwaa-migrate: rendered\n\nprint(json.dumps(RENDERED))\n';
const rendered: Rendered = {
  schema: 1, migrationId: 'añalytics "quoted" \\N $& 😀 \ud800 \u2028 \'\'\' ${x}\n', attempt: 3, side: 'source', dagId: 'db_export', shortHash: '01234567', bucket: 'b', bucketOwner: '111122223333', bucketRegion: 'eu-west-1',
  prefix: 'data/migration/2.7.2_to_2.10.3/m/3/', job: { key: 'k', sha256: 'a'.repeat(64) }, expiresAt: '2026-11-23T00:00:00.000Z', manifest: null,
};

describe('the rendered DAG file', () => {
  it('is ASCII on one line, and reads back as it was', () => {
    const file = renderDagFile(SOURCE, rendered);
    expect(file).toMatch(/^[\n\x20-\x7e]*$/u);
    expect(file.split('\n')).toHaveLength(SOURCE.split('\n').length);
    expect(readRendered(file)).toEqual(rendered);
  });

  it.each(['import json\n', `${SOURCE}${SOURCE}`, SOURCE.replace('None', '1')])('needs exactly one place for the constants', (source) => expect(() => renderDagFile(source, rendered)).toThrow('exactly one line'));

  it('is kept only while it says the same for long enough', () => {
    const file = renderDagFile(SOURCE, rendered);
    const later = { ...rendered, expiresAt: '2026-12-24T00:00:00.000Z' };
    const until = new Date('2026-11-22T23:00:00Z');
    expect(isSameRendering(file, SOURCE, later, until)).toBe(true);
    expect(isSameRendering(file, SOURCE, later, new Date('2026-11-23T00:00:01Z'))).toBe(false);
    expect(isSameRendering(file, SOURCE, { ...later, attempt: 4 }, until)).toBe(false);
    expect(isSameRendering(file, `${SOURCE}# a newer release\n`, later, until)).toBe(false);
    expect(isSameRendering('# by hand\n', SOURCE, later, until)).toBe(false);
  });
});
