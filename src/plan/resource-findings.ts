/** What speaks against the files that the target will start with, and the buckets they lie in. */
import { findVersion } from '../airflow/versions.js';
import { finding, type Finding } from './finding.js';
import type { Observations } from './observations.js';
import type { RepositoryComparison } from './repository-files.js';
import { stopsOf, type Road } from './road.js';

type Seen = Pick<Observations, 'counts' | 'objects' | 'buckets' | 'key' | 'repository'>;

/** CreateEnvironment looks at the bucket itself, and refuses. */
export function resourceBlockers({ buckets, key }: Seen, hasOwnKey: boolean): readonly Finding[] {
  return [
    ...buckets.flatMap(({ name, exists, isVersioned, isClosedToPublic }): readonly Finding[] => [
      ...(exists === false ? [finding('bucket-missing', `Bucket ${name} does not exist`, 'the target reads its DAGs there', 'create it in the target\'s region with versioning and blocked public access, or correct target.bucket')] : []),
      ...(isVersioned === false ? [finding('bucket-not-versioned', `Bucket ${name} keeps no versions`, 'MWAA takes requirements and plugins by their version', 'switch versioning on')] : []),
      ...(isClosedToPublic === false ? [finding('bucket-open', `Bucket ${name} does not block all public access`, 'MWAA refuses such a bucket', 'switch on all four settings of "Block public access" for it')] : []),
    ]),
    ...(key && key.state !== 'usable' && !hasOwnKey ? [finding('environment-key-unusable', `The source's key ${key.arn} is ${key.state === 'not there' ? 'not there' : 'not enabled, or not symmetric'}`, 'the target would be encrypted with it', 'enable it, or set target.environment-overrides.KmsKey')] : []),
  ];
}

export function resourceWarnings({ counts, objects, repository }: Seen, requirements: string | undefined, from: string, road: Road): readonly Finding[] {
  const found: Finding[] = [];
  if ((counts.importErrors ?? 0) > 0) found.push(finding('import-errors', `${counts.importErrors === 1 ? '1 DAG file does' : `${counts.importErrors} DAG files do`} not load on the source`, 'nor will they load on the target, and their history has no DAG there', 'repair or remove them before the final export'));
  for (const [kind, object] of Object.entries(objects))
    if (object && !object.isNewest) found.push(finding('object-not-newest', `The source does not run on the newest version of ${object.path}`, `the target gets the one that it runs on (${kind}, of ${object.modified})`, 'update the source to the newest version first if that is the one you mean'));
  const python = [from, ...stopsOf(road)].map((version) => findVersion(version)?.python);
  const last = python.at(-1);
  if (python[0] !== undefined && last !== undefined && python[0] !== last && (objects.plugins !== undefined || /\bcp\d{2,3}\b|--no-index|--find-links/u.test(requirements ?? '')))
    found.push(finding('wheels-for-old-python', `Python goes from ${python[0]} to ${last}`, 'wheels for another Python, in plugins.zip or named in requirements.txt, cannot be installed; MWAA starts without them', `build such wheels for Python ${last} and put them where they were`));
  return [...found, ...repositoryWarnings(repository)];
}

function repositoryWarnings(repository: RepositoryComparison | undefined): readonly Finding[] {
  if (!repository) return [];
  const { folder, different, onlyInRepository, onlyInBucket } = repository;
  const count = different.length + onlyInRepository.length + onlyInBucket.length;
  return count === 0 ? [] : [finding(
    'repository-differs', `DAG files of ${folder}/ are not those of the source's bucket: different ${different.length}, only in the repository ${onlyInRepository.length}, only in the bucket ${onlyInBucket.length}`,
    'phase check looks at the repository, and the target gets what is in the bucket', 'deploy this branch to the source first, or take into account that the target runs other files than those that were checked',
  )];
}
