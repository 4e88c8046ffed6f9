/**
 * `npm test`: every check and every test of the repository, in the order in which a mistake shows soonest; installs what it needs.
 * `npm test -- unit dags` runs some of the suites; `slow` runs only when it is named. The last line is "N passed, N failed"; a suite that cannot run counts as failed, by name.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensurePackages, root } from './packages.mjs';
import { ensureTools } from './python.mjs';

ensurePackages();
const bin = ensureTools();
const reports = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-test-'));
const node = process.execPath;
const jest = (name, folders, ...options) => ({
  name,
  command: [node, '--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', '--json', '--outputFile', path.join(reports, `${name}.json`),
    ...options, ...folders.map((folder) => `test/${folder}/`)],
  count: () => {
    const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites, testResults } = JSON.parse(readFileSync(path.join(reports, `${name}.json`), 'utf8'));
    // A file that could not even be loaded has no failed test of its own.
    const unloadable = testResults.filter((file) => file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed')).length;
    return { passed: numPassedTests, failed: Math.max(numFailedTests + unloadable, numFailedTestSuites > 0 ? 1 : 0) + numPendingTests };
  },
});
const single = (name, ...command) => ({ name, command, count: () => undefined });

const SUITES = [
  single('lint', node, 'scripts/lint.mjs'),
  single('typecheck', node, 'node_modules/typescript/bin/tsc', '--noEmit', '--project', 'test'),
  single('generated', node, 'scripts/interfaces.mjs', '--check'),
  single('dist', node, 'scripts/build.mjs', '--check'),
  jest('unit', ['unit']),
  {
    name: 'dags',
    command: [path.join(bin, 'python'), '-m', 'pytest', '-q', '-p', 'no:cacheprovider', `--junitxml=${path.join(reports, 'dags.xml')}`, 'test/dags'],
    count: () => {
      const suite = /<testsuite [^>]*>/u.exec(readFileSync(path.join(reports, 'dags.xml'), 'utf8'))?.[0] ?? '';
      const number = (attribute) => Number(new RegExp(` ${attribute}="(\\d+)"`, 'u').exec(suite)?.[1] ?? '0');
      // A skipped test did not run: that is a failure, said by name in pytest's own output.
      const failed = number('errors') + number('failures') + number('skipped');
      return { passed: number('tests') - failed, failed };
    },
  },
  jest('contract', ['contract'], '--maxWorkers=2'),
  jest('e2e', ['e2e'], '--runInBand', '--testPathIgnorePatterns', '/node_modules/', '/e2e/.*/slow/', '--'),
];
/** Further whole migrations, some half an hour of them: the other pairs of versions, and the way back from every point. */
const ON_DEMAND = [jest('slow', ['e2e/switch/slow'], '--runInBand')];

const wanted = process.argv.slice(2);
const all = [...SUITES, ...ON_DEMAND];
const unknown = wanted.filter((name) => !all.some((suite) => suite.name === name));
if (unknown.length > 0) throw new Error(`No suite "${unknown.join('", "')}". There are: ${all.map(({ name }) => name).join(', ')}.`);

let passed = 0;
let failed = 0;
const lines = [];
for (const suite of wanted.length === 0 ? SUITES : all.filter(({ name }) => wanted.includes(name))) {
  console.log(`\n=== ${suite.name} ===`);
  const start = Date.now();
  const [command, ...args] = suite.command;
  const code = await new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', (error) => { console.log(`${suite.name} could not be started: ${error.message}`); resolve(1); });
    child.on('exit', (status) => resolve(status ?? 1));
  });
  let counted;
  try {
    counted = suite.count();
  } catch {
    console.log(`${suite.name} left no report: it did not run to its end.`); // counted as one failure below
  }
  counted ??= { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 };
  if (code !== 0 && counted.failed === 0) counted.failed = 1;
  if (counted.passed + counted.failed === 0) counted.failed = 1;
  passed += counted.passed;
  failed += counted.failed;
  lines.push(`${suite.name.padEnd(10)} ${String(counted.passed).padStart(5)} passed ${String(counted.failed).padStart(4)} failed ${((Date.now() - start) / 1000).toFixed(0).padStart(5)} s`);
}
if (existsSync(reports)) rmSync(reports, { recursive: true, force: true });
console.log(`\n${lines.join('\n')}\n\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
