import { expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { renderDagFile } from '../../../src/gateways/airflow/transports/dag-file.js';

it('a rendered DAG file means the same to Python, surrogates and escapes included', () => {
  const rendered = {
    schema: 1, migrationId: 'añ "quoted" \\N $& 😀 \ud800 \u2028 \'\'\' ${x}\n', attempt: 3, side: 'source', dagId: 'db_export', shortHash: '01234567', bucket: 'b', bucketOwner: '111122223333', bucketRegion: 'eu-west-1',
    prefix: 'p/', job: { key: 'k', sha256: 'a'.repeat(64) }, expiresAt: '2026-11-23T00:00:00.000Z', manifest: null,
  } as const;
  const source = 'import json\n\nRENDERED = None  # mwaa-migrate: rendered\n\nprint(json.dumps(RENDERED))\n';
  const { stdout, status, stderr } = spawnSync('python3', ['-'], { input: renderDagFile(source, rendered), encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(JSON.parse(stdout)).toEqual(rendered);
});
