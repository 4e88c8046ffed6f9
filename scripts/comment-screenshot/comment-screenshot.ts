/**
 * Makes docs/images/pull-request-comment.png: `node scripts/run.mjs scripts/comment-screenshot/comment-screenshot.ts`.
 * Needs Chromium or Chrome on the PATH (Debian: apt-get install chromium) and the npm registry, for GitHub's style sheet.
 * With a file as argument, that Markdown is shown instead, and the image goes beside it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureTools } from '../python.mjs';
import { exampleComment } from './example.js';

const STYLE = 'github-markdown-css@5.9.0';
const PALETTE = 'pillow==12.0.0';
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** Pixels. */
const WIDTH = 1_060, HEIGHT = Number(process.env['SCREENSHOT_HEIGHT'] ?? 1_712);
const here = path.dirname(fileURLToPath(import.meta.url));

function run(command: string, args: readonly string[], options: Readonly<{ input?: string; cwd?: string }> = {}): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, ...options });
  if (status !== 0) throw new Error(`"${command} ${args.slice(0, 3).join(' ')} …" ended with code ${String(status)}: ${error?.message ?? stderr}`);
  return stdout;
}

const [given] = process.argv.slice(2);
const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-screenshot-'));
try {
  const browser = BROWSERS.find((name) => spawnSync(name, ['--version']).status === 0);
  if (!browser) throw new Error(`None of ${BROWSERS.join(', ')} is on the PATH.`);
  run('npm', ['install', '--prefix', folder, '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error', STYLE]);
  const style = path.join(folder, 'node_modules', 'github-markdown-css', 'github-markdown-light.css');
  const page = path.join(folder, 'comment.html');
  const image = given === undefined ? path.resolve(here, '../../docs/images/pull-request-comment.png') : `${given}.png`;
  writeFileSync(page, run(path.join(ensureTools(), 'python'), [path.join(here, 'page.py'), style], { input: given === undefined ? await exampleComment(folder) : readFileSync(given, 'utf8') }));
  run(browser, ['--headless=new', '--no-sandbox', '--hide-scrollbars', '--disable-gpu', `--user-data-dir=${path.join(folder, 'profile')}`, `--window-size=${WIDTH},${HEIGHT}`, `--screenshot=${image}`, `file://${page}`]);
  if (!existsSync(image)) throw new Error(`${browser} wrote no image.`);
  // A palette is enough for text, and a third of the bytes.
  run(path.join(ensureTools(), 'uv'), ['run', '--quiet', '--no-project', '--with', PALETTE, 'python', '-c', 'import sys; from PIL import Image; Image.open(sys.argv[1]).convert("RGB").quantize(256).save(sys.argv[1], optimize=True)', image]);
  console.log(`${image}: ${Math.ceil(statSync(image).size / 1024)} KiB`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
