import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { compareFiles } from '../../../src/plan/repository-files.js';

const md5 = (text: string) => createHash('md5').update(text).digest('hex');
const here = (files: Readonly<Record<string, string>>) => Object.entries(files).map(([path, text]) => ({ path, bytes: text.length, md5: md5(text) }));
const there = (files: Readonly<Record<string, string>>, etag = md5) => Object.entries(files).map(([path, text]) => ({ path, bytes: text.length, etag: `"${etag(text)}"` }));

describe('DAG files of the repository and of the bucket', () => {
  it('are told apart by content, and by who has them', () =>
    expect(compareFiles('dags', here({ 'a.py': 'one', 'b.py': 'two', 'c.py': 'longer', 'new.py': 'x' }), there({ 'a.py': 'one', 'b.py': 'TWO', 'c.py': 'long', 'lib/gone.py': 'y' })))
      .toEqual({ folder: 'dags', same: 1, unknown: 0, different: ['b.py', 'c.py'], onlyInRepository: ['new.py'], onlyInBucket: ['lib/gone.py'] }));

  it.each([
    { because: 'a multipart upload', etag: (text: string) => `${md5(text)}-2` },
    { because: 'an ETag of SSE-KMS, which only looks like an MD5', etag: (text: string) => md5(`${text} and a key`) },
  ])('are not called different for $because', ({ etag }) =>
    expect(compareFiles('dags', here({ 'a.py': 'one', 'b.py': 'longer' }), there({ 'a.py': 'one', 'b.py': 'long' }, etag))).toMatchObject({ same: 0, unknown: 1, different: ['b.py'] }));

  it('leave out what nobody deploys, and our own DAG', () => {
    const noise = { '__pycache__/a.pyc': 'x', 'lib/__pycache__/b.py': 'x', '.git/HEAD': 'x', 'mwaa_migrate/db_export.py': 'x', '.gitkeep': '' };
    expect(compareFiles('dags', here({ ...noise, 'a.py': 'one' }), there({ ...noise, 'a.py': 'one', 'lib/': '' }))).toEqual({ folder: 'dags', same: 1, unknown: 0, different: [], onlyInRepository: [], onlyInBucket: [] });
  });
});
