import { expect, it } from '@jest/globals';
import { readRequirementLines } from '../../../src/check/requirement-lines.js';

const PLACES = { dags: '/t/dags', plugins: '/t/plugins' };
const read = (files: Readonly<Record<string, string>>) => readRequirementLines('requirements.txt', (name) => Promise.resolve(files[name]), PLACES, 'airflow/dags', 'airflow/plugins');

it('takes packages with their lines, through comments, continued lines, markers, extras and hashes', async () => {
  const { packages, hasHashes } = await read({ 'requirements.txt': '# head\n\nPandas >= 2 # why\nApache_Airflow.Providers-HTTP[x]==1 ; python_version > "3"\nrequests==2 \\\n  --hash=sha256:00\nurllib3\nwheel @ https://x.example/w.whl\n./local.whl\n' });
  expect(packages.map(({ line, name }) => [line, name])).toEqual([[3, 'pandas'], [4, 'apache-airflow-providers-http'], [5, 'requests'], [7, 'urllib3'], [8, 'wheel'], [9, undefined]]);
  expect(hasHashes).toBe(true);
});

it("tells Airflow's constraint line from one's own, however it is written, and not in a comment", async () => {
  const { constraints, missing } = await read({ 'requirements.txt': '--constraint "https://raw.githubusercontent.com/apache/airflow/constraints-2.7.2/constraints-3.11.txt"\n-c=/usr/local/airflow/dags/own.txt\n# -c https://x\n--constraint none.txt\n-c https://x.example/c.txt\n', 'airflow/dags/own.txt': 'pandas==1\n' });
  expect(constraints.map(({ address, isAirflows, at }) => [at.line, address, isAirflows])).toEqual([[1, 'https://raw.githubusercontent.com/apache/airflow/constraints-2.7.2/constraints-3.11.txt', true], [2, 'airflow/dags/own.txt', false], [5, 'https://x.example/c.txt', false]]);
  expect(missing.map(({ at, address }) => [at.line, address])).toEqual([[4, 'none.txt']]);
});

it('follows includes by the paths of the image and beside the file, once each, and never out of the repository', async () => {
  const { packages, missing } = await read({ 'requirements.txt': '-r more/a.txt\n-r /usr/local/airflow/dags/b.txt\n-r ../outside.txt\n-r /etc/passwd\n', '../outside.txt': 'three\n', 'more/a.txt': 'one\n-r ../requirements.txt\n', 'airflow/dags/b.txt': 'two\n' });
  expect(packages.map(({ file, line, name }) => [file, line, name])).toEqual([['more/a.txt', 1, 'one'], ['airflow/dags/b.txt', 1, 'two']]);
  expect(missing.map(({ address }) => address)).toEqual(['../outside.txt', '/etc/passwd']);
});

it("puts our folders where the image's stand, in options and wheels", async () => {
  const { options, packages } = await read({ 'requirements.txt': '--find-links /usr/local/airflow/plugins\n--no-index\n/usr/local/airflow/plugins/a-1-py3-none-any.whl\n' });
  expect(options.map(({ text }) => text)).toEqual(['--find-links /t/plugins', '--no-index']);
  expect(packages.map(({ text }) => text)).toEqual(['/t/plugins/a-1-py3-none-any.whl']);
});

it('takes the value of a short option also without a blank, as pip does', async () => {
  const { packages, constraints, options, missing } = await read({ 'requirements.txt': '-rmore.txt\n-cown.txt\n-f/usr/local/airflow/plugins\n-e./package\n-rnone.txt\n--no-index\n', 'more.txt': 'one\n', 'own.txt': 'pandas==1\n' });
  expect(packages.map(({ file, line, text }) => [file, line, text])).toEqual([['more.txt', 1, 'one'], ['requirements.txt', 4, '-e ./package']]);
  expect(constraints.map(({ address }) => address)).toEqual(['own.txt']);
  expect(options.map(({ text }) => text)).toEqual(['-f /t/plugins', '--no-index']);
  expect(missing.map(({ at, address }) => [at.line, address])).toEqual([[5, 'none.txt']]);
});
