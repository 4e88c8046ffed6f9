/**
 * Looks at the page of a migration in a real browser: `node scripts/run.mjs scripts/page-screenshots/page-screenshots.ts`.
 * Makes docs/images/migration-page-{light,dark}-{wide,narrow}.png, and fails where axe-core finds anything, where a page asks the network for
 * anything, or where it is wider than its window. Needs Chromium or Chrome on the PATH (Debian: apt-get install chromium) and the npm registry.
 * With a file as argument, that page is looked at instead, and the images go beside it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureTools } from '../python.mjs';
import { examplePage } from './example.js';

const PACKAGES = ['playwright-core@1.56.1', 'axe-core@4.11.0'];
const PALETTE = 'pillow==12.0.0';
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const here = path.dirname(fileURLToPath(import.meta.url));

function run(command: string, args: readonly string[], cwd?: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, ...(cwd ? { cwd } : {}) });
  if (status !== 0) throw new Error(`"${command} ${args.slice(0, 3).join(' ')} …" ended with code ${String(status)}: ${error?.message ?? ''}${stderr}${stdout}`);
  return stdout;
}

const [given] = process.argv.slice(2);
const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-page-'));
try {
  const browser = BROWSERS.map((name) => spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim()).find(Boolean);
  if (!browser) throw new Error(`None of ${BROWSERS.join(', ')} is on the PATH.`);
  run('npm', ['install', '--prefix', folder, '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error', ...PACKAGES]);
  const page = path.join(folder, 'page.html'), images = given === undefined ? path.resolve(here, '../../docs/images/migration-page') : given;
  writeFileSync(page, given === undefined ? examplePage() : readFileSync(given, 'utf8'));
  // Beside the packages, for that is where a module looks for them.
  const look = path.join(folder, 'look.mjs');
  writeFileSync(look, readFileSync(path.join(here, 'look.mjs'), 'utf8'));
  const shots = JSON.parse(run(process.execPath, [look, browser, page, images], folder)) as readonly string[];
  for (const shot of shots) {
    // A palette is enough for text, and a third of the bytes.
    run(path.join(ensureTools(), 'uv'), ['run', '--quiet', '--no-project', '--with', PALETTE, 'python', '-c', 'import sys; from PIL import Image; Image.open(sys.argv[1]).convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE).save(sys.argv[1], optimize=True)', shot]);
    console.log(`${shot}: ${Math.ceil(statSync(shot).size / 1024)} KiB`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
