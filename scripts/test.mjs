/**
 * `npm test`: every check and every test of the repository, in the order in which a mistake shows soonest; installs what it needs.
 * `npm test -- unit dags` runs some of the suites; `slow` runs only when it is named. The last line is "N passed, N failed"; a suite that cannot run counts as failed, by name.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensurePackages, root } from './packages.mjs';
import { cacheFolder, ensureTools } from './python.mjs';

ensurePackages();
const bin = ensureTools();
const reports = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-test-'));
const node = process.execPath;
const jest = (name, folders, ...options) => ({
  name,
  command: [node, '--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', '--json', '--outputFile', path.join(reports, `${name}.json`),
    ...options, ...folders.map((folder) => `test/${folder}${folder.includes('*') ? '' : '/'}`)],
  count: () => {
    const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites, testResults } = JSON.parse(readFileSync(path.join(reports, `${name}.json`), 'utf8'));
    // A file that could not even be loaded has no failed test of its own.
    const unloadable = testResults.filter((file) => file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed')).length;
    return { passed: numPassedTests, failed: Math.max(numFailedTests + unloadable, numFailedTestSuites > 0 ? 1 : 0) + numPendingTests };
  },
});
const pytest = (name, target, ...options) => ({
  name,
  command: [path.join(bin, 'python'), '-m', 'pytest', '-q', '-p', 'no:cacheprovider', `--junitxml=${path.join(reports, `${name}.xml`)}`, ...options, `test/${target}`],
  count: () => {
    const suite = /<testsuite [^>]*>/u.exec(readFileSync(path.join(reports, `${name}.xml`), 'utf8'))?.[0] ?? '';
    const number = (attribute) => Number(new RegExp(` ${attribute}="(\\d+)"`, 'u').exec(suite)?.[1] ?? '0');
    // A skipped test did not run: that is a failure, said by name in pytest's own output.
    const failed = number('errors') + number('failures') + number('skipped');
    return { passed: number('tests') - failed, failed };
  },
});
const single = (name, ...command) => ({ name, command, count: () => undefined });

const SUITES = [
  single('lint', node, 'scripts/lint.mjs'),
  single('typecheck', node, 'node_modules/typescript/bin/tsc', '--noEmit', '--project', 'test'),
  single('generated', node, 'scripts/interfaces.mjs', '--check'),
  single('dist', node, 'scripts/build.mjs', '--check'),
  // Two workers: by itself jest leaves one of two cores idle.
  jest('unit', ['unit'], '--maxWorkers=2', '--'),
  pytest('dags', 'dags', '-m', 'not slow'),
  pytest('metadata', 'metadata', '-m', 'not matrix'),
  jest('contract', ['contract'], '--maxWorkers=2', '--testPathIgnorePatterns', '/node_modules/', '\\.slow\\.test\\.ts$', '--'),
  jest('e2e', ['e2e'], '--runInBand', '--testPathIgnorePatterns', '/node_modules/', '/e2e/.*/slow/', '--'),
];
/** Further whole migrations, two hours of them: the switch for two pairs of versions, the way back from every point, and a third attempt after two that were given up; two sources that no REST API reaches; the workflow rejected, expired, cancelled, failed, and killed in each of its jobs; and facts of Airflow's releases that phase check rests on, which change only with its data. `matrix`: every pair of versions, databases only. */
const ON_DEMAND = [jest('slow', ['e2e/switch/slow', 'e2e/workflow/slow', 'e2e/interrupted/slow', 'e2e/old-source/slow'], '--runInBand'), jest('slow-contract', ['contract/.*\\.slow\\.test\\.ts'], '--maxWorkers=2'), pytest('slow-dags', 'dags', '-m', 'slow'),
  { ...pytest('matrix', 'metadata/test_oracle.py'), env: { MWAA_MIGRATE_MATRIX: path.join(cacheFolder, 'matrix.json') } }];

const wanted = process.argv.slice(2);
const all = [...SUITES, ...ON_DEMAND];
const unknown = wanted.filter((name) => !all.some((suite) => suite.name === name));
if (unknown.length > 0) throw new Error(`No suite "${unknown.join('", "')}". There are: ${all.map(({ name }) => name).join(', ')}.`);

/** Suites that mostly wait for Airflow: run beside each other they share what one alone leaves idle. The first of a lane shows its output as it comes. */
const BESIDE = [['e2e', 'contract'], ['dags', 'metadata']];

/** Runs one suite. `quiet`: its output is kept and shown when it has ended. */
async function runSuite(suite, quiet) {
  const start = Date.now();
  const [command, ...args] = suite.command;
  const kept = [];
  if (!quiet) console.log(`\n=== ${suite.name} ===`);
  const code = await new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env: { ...process.env, ...suite.env }, stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'] });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => kept.push(chunk));
    child.on('error', (error) => { console.log(`${suite.name} could not be started: ${error.message}`); resolve(1); });
    child.on('close', (status) => resolve(status ?? 1));
  });
  if (quiet) console.log(`\n=== ${suite.name} ===\n${Buffer.concat(kept).toString('utf8')}`);
  let counted;
  try {
    counted = suite.count();
  } catch {
    console.log(`${suite.name} left no report: it did not run to its end.`); // counted as one failure below
  }
  counted ??= { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 };
  if (code !== 0 && counted.failed === 0) counted.failed = 1;
  if (counted.passed + counted.failed === 0) counted.failed = 1;
  return { name: suite.name, ...counted, seconds: (Date.now() - start) / 1000 };
}

const chosen = wanted.length === 0 ? SUITES : all.filter(({ name }) => wanted.includes(name));
const results = [];
for (const suite of chosen.filter(({ name }) => !BESIDE.flat().includes(name))) results.push(await runSuite(suite, false));
const lanes = BESIDE.map((names) => chosen.filter(({ name }) => names.includes(name))).filter((lane) => lane.length > 0);
await Promise.all(lanes.map(async (lane, at) => {
  for (const suite of lane) results.push(await runSuite(suite, at > 0));
}));

const sum = (of) => results.reduce((total, result) => total + result[of], 0);
const lines = chosen.map(({ name }) => results.find((result) => result.name === name)).map(({ name, passed, failed, seconds }) =>
  `${name.padEnd(10)} ${String(passed).padStart(5)} passed ${String(failed).padStart(4)} failed ${seconds.toFixed(0).padStart(5)} s`);
if (existsSync(reports)) rmSync(reports, { recursive: true, force: true });
console.log(`\n${lines.join('\n')}\n\n${sum('passed')} passed, ${sum('failed')} failed`);
process.exit(sum('failed') === 0 ? 0 : 1);
