/** action: from the start of `node dist/index.js` to its first line of log, and the size of the bundle. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MIB, report, rounded, say } from './figure.js';
import { best, interleave } from './interleave.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** docs/reference/benchmarks.md; a megabyte is 10^6 bytes. */
const MOST = 1.2, MAX_BUNDLE_BYTES = 3_000_000;
/** A start takes a fraction of a second: many of them cost little and find a quiet moment. */
const STARTS_PER_TURN = 5;

const MIGRATION_FILE = `source: { environment: analytics, region: eu-west-1 }
target: { environment: analytics-v2, region: eu-west-1, airflow-version: 2.10.3 }
`;

export async function benchAction({ repeat }: Readonly<{ repeat: number }>): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-bench-action-'));
  try {
    const workspace = path.join(folder, 'checkout'), referenceFolder = path.join(folder, 'reference');
    mkdirSync(path.join(workspace, '.github'), { recursive: true });
    writeFileSync(path.join(workspace, '.github', 'mwaa-migration.yml'), MIGRATION_FILE);
    say('Bundling the reference …');
    execFileSync(process.execPath, ['node_modules/@vercel/ncc/dist/ncc/cli.js', 'build', 'test/bench/reference-action.js', '--minify', '--no-cache', '--quiet', '--out', referenceFolder], { cwd: ROOT, stdio: ['ignore', 2, 2] });
    const ours = path.join(ROOT, 'dist', 'index.js'), reference = path.join(referenceFolder, 'index.js');
    const { ourSeconds, referenceSeconds } = await times(repeat * STARTS_PER_TURN, {
      ours: () => firstLine(ours, { MWAA_INPUTS: JSON.stringify({ phase: 'status' }), GITHUB_WORKSPACE: workspace, RUNNER_TEMP: folder }, 'Migration "analytics-to-analytics-v2"'),
      reference: () => firstLine(reference, { 'INPUT_ROLE-TO-ASSUME': 'arn:aws:iam::111122223333:role/bench', 'INPUT_AWS-REGION': 'eu-west-1' }, 'Assuming'),
    });
    const timesReference = ourSeconds / referenceSeconds, bundle = statSync(ours).size;
    report({
      bench: 'action', node: process.version, ours_seconds: rounded(ourSeconds), reference_seconds: rounded(referenceSeconds), ratio: rounded(1 / timesReference), times_reference: rounded(timesReference),
      promise: `times_reference <= ${MOST}`, holds: timesReference <= MOST, reference_mib: rounded(statSync(reference).size / MIB, 2),
    });
    report({ bench: 'bundle', mib: rounded(bundle / MIB, 2), promise: 'at most 3 MB (3,000,000 bytes)', holds: bundle <= MAX_BUNDLE_BYTES });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function times(repeat: number, both: Parameters<typeof interleave>[1]): Promise<Readonly<{ ourSeconds: number; referenceSeconds: number }>> {
  // Once each without the clock, so that neither pays for reading its file from disk.
  await both.ours(0);
  await both.reference(0);
  const { ours, reference } = await interleave(repeat, both);
  say(`action: ours ${ours.map((each) => each.toFixed(3)).join(' ')}; reference ${reference.map((each) => each.toFixed(3)).join(' ')}`);
  return { ourSeconds: best(ours), referenceSeconds: best(reference) };
}

/** Seconds until the process writes anything; it is ended there, before its first request. @throws Error when it says something else */
function firstLine(program: string, env: Readonly<Record<string, string>>, expected: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, [program], { env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let failure = '';
    child.stderr.on('data', (chunk: Buffer) => (failure += chunk.toString('utf8')));
    child.stdout.once('data', (chunk: Buffer) => {
      const seconds = (performance.now() - started) / 1000, text = chunk.toString('utf8');
      child.removeAllListeners('close');
      child.once('close', () => (text.startsWith(expected) ? resolve(seconds) : reject(new Error(`${program} said: ${text}`))));
      child.kill('SIGKILL');
    });
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`${program} ended with code ${code} and said nothing: ${failure}`)));
  });
}
