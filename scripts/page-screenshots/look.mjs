/** node look.mjs <browser> <page> <images>: looks at the page light and dark, wide and narrow; prints the images' paths as JSON. Ends with code 1 for findings. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { readFileSync } from 'node:fs';

const require = createRequire(import.meta.url);
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const [executablePath, file, images] = process.argv.slice(2);
const address = pathToFileURL(file).href;
const SIZES = { wide: { width: 1180, height: 1500 }, narrow: { width: 360, height: 1500 }, least: { width: 320, height: 900 } };

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
const problems = [], shots = [];
try {
  for (const colorScheme of ['light', 'dark'])
    for (const [size, viewport] of Object.entries(SIZES)) {
      const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' });
      const page = await context.newPage();
      const where = `${colorScheme}, ${size}`;
      page.on('request', (request) => { if (request.url() !== address) problems.push(`${where}: asks for ${request.url()}`); });
      page.on('console', (message) => problems.push(`${where}: the console says ${message.text()}`));
      await page.goto(address);
      if (size !== 'least') {
        const path = `${images}-${colorScheme}-${size}.png`;
        await page.screenshot({ path, fullPage: process.env.WHOLE_PAGE === "1" });
        shots.push(path);
      }
      const width = await page.evaluate(() => globalThis.document.documentElement.scrollWidth);
      if (width > viewport.width) problems.push(`${where}: the page is ${width} px wide`);
      // As a debugger runs it: the page's own policy allows no script.
      for (const details of await page.locator('summary').all()) await details.click();
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => globalThis.axe.run(globalThis.document, { resultTypes: ['violations'] }));
      for (const { id, impact, help, nodes } of violations) problems.push(`${where}: ${id} (${impact}): ${help}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(' | ')}`);
      await context.close();
    }
} finally {
  await browser.close();
}
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
} else console.log(JSON.stringify(shots));
