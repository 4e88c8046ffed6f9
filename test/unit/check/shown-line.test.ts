import { expect, it } from '@jest/globals';
import { checkRequirementsFile } from '../../../src/check/check-requirements.js';
import { conflictFinding } from '../../../src/check/requirement-conflicts.js';
import { shownLine } from '../../../src/check/shown-line.js';

it.each([
  ['pkg @ https://bob:canary@pip.example/simple/pkg-1.whl?token=canary#sha256=canary', 'pkg @ https://pip.example/…'],
  ['git+https://canary@git.example/org/repo.git@main#egg=x', 'git+https://git.example/…'],
  ['--constraint "https://bob:canary@mirror.example/canary/constraints.txt"', '--constraint "https://mirror.example/…"'],
  ['/home/runner/work/_temp/mwaa-migrate-check-QkScUa/dags/own_package', '/usr/local/airflow/dags/own_package'],
  ['own @ file:///tmp/mwaa-migrate-check-QkScUa/plugins/own-1.whl', 'own @ file:///…'],
  ['-r https://pip.example', '-r https://pip.example'],
  ['pandas[aws]>=1,<2; python_version < "3.12"', 'pandas[aws]>=1,<2; python_version < "3.12"'],
  ['-c https://raw.githubusercontent.com/apache/airflow/constraints-2.7.2/constraints-3.11.txt', '-c https://raw.githubusercontent.com/apache/airflow/constraints-2.7.2/constraints-3.11.txt'],
  ['-c https://canary@raw.githubusercontent.com/apache/airflow/constraints-2.7.2/constraints-3.11.txt', '-c https://raw.githubusercontent.com/…'],
])('shows of %s no more than the host', (text, shown) => expect(shownLine(text)).toBe(shown));

it('a line that cannot be installed shows nothing of its address', () =>
  expect(JSON.stringify(conflictFinding({ file: 'requirements.txt', line: 1, text: 'pkg @ https://bob:canary@pip.example/pkg.whl', name: 'pkg' }, 'no pkg', '2.10.3'))).not.toContain('canary'));

it('neither do constraints and includes', async () => {
  const fs = await import('node:fs/promises'), os = await import('node:os'), path = await import('node:path');
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'shown-line-'));
  try {
    await fs.writeFile(path.join(root, 'requirements.txt'), [
      '--constraint "https://bob:canary1@mirror.example/apache/airflow/constraints-2.7.2/constraints-3.11.txt"', '-r https://bob:canary2@pip.example/more.txt', '-c https://bob:canary3@pip.example/own.txt?key=canary4', '',
    ].join('\n'));
    const installation = { tools: { uv: 'uv', python: 'python3' }, env: {}, venv: root, work: root, version: "2.10.3" };
    const files = { dags: 'dags', requirements: 'requirements.txt', plugins: undefined, isPluginsZip: false };
    const found = await checkRequirementsFile(installation as never, root, files as never, { dags: '/d', plugins: '/p' });
    expect(found.findings.map(({ code }) => code).sort()).toEqual(['requirements-constraint', 'requirements-include']);
    expect(JSON.stringify(found)).not.toContain('canary');
  } finally {
    await fs.rm(root, { recursive: true });
  }
});
