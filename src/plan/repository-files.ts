/** DAG files of the repository beside those that the source runs: a migration from an old checkout would take the wrong ones for checked. Pure. */
import { isOwnDagFile } from '../airflow/own-dags.js';
import type { RepositoryFile } from '../ports.js';

/** `etag` as S3 gives it, with quotes. */
export type BucketFile = Readonly<{ path: string; bytes: number; etag: string }>;

export type RepositoryComparison = Readonly<{
  /** Folder in the repository. */
  folder: string;
  same: number;
  /** Same size, but the ETag is no MD5 of the content: multipart uploads, SSE-KMS (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html). */
  unknown: number;
  different: readonly string[];
  onlyInRepository: readonly string[];
  onlyInBucket: readonly string[];
}>;

/** Byte code, editors' and git's own files are nobody's DAGs, and deployments leave them out. */
const IGNORED = /(^|\/)(__pycache__|\.git|\.venv|node_modules)\/|\.pyc$|(^|\/)\.(DS_Store|gitkeep|gitignore)$/u;

export function compareFiles(folder: string, repository: readonly RepositoryFile[], bucket: readonly BucketFile[]): RepositoryComparison {
  const here = new Map(repository.filter(isWanted).map((file) => [file.path, file]));
  const there = new Map(bucket.filter((file) => isWanted(file) && !file.path.endsWith('/')).map((file) => [file.path, file]));
  const both = [...here.values()].flatMap((file) => {
    const other = there.get(file.path);
    return other ? [{ path: file.path, isSameSize: other.bytes === file.bytes, md5: md5Of(other.etag), file }] : [];
  });
  const isSame = ({ isSameSize, md5, file }: (typeof both)[number]) => isSameSize && md5 === file.md5;
  // Under SSE-KMS an ETag looks like an MD5 and is none: one file that does fit shows that this bucket's are.
  const tells = both.some(isSame);
  const isUnknown = (one: (typeof both)[number]) => one.isSameSize && !isSame(one) && (one.md5 === undefined || !tells);
  const same = both.filter(isSame).length, unknown = both.filter(isUnknown).length;
  const different = both.filter((one) => !isSame(one) && !isUnknown(one)).map(({ path }) => path);
  return {
    folder, same, unknown, different: [...different].sort(byCodeUnit),
    onlyInRepository: [...here.keys()].filter((path) => !there.has(path)).sort(byCodeUnit), onlyInBucket: [...there.keys()].filter((path) => !here.has(path)).sort(byCodeUnit),
  };
}

const md5Of = (etag: string): string | undefined => /^"?([0-9a-f]{32})"?$/u.exec(etag)?.[1];
const isWanted = ({ path }: Readonly<{ path: string }>): boolean => !IGNORED.test(path) && !isOwnDagFile(path);
const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
