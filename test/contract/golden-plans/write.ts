/** Writes the golden plans anew: `node scripts/run.mjs test/contract/golden-plans/write.ts`. Read the difference before you commit it. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { filesOf, GOLDEN } from './golden.js';

for (const golden of GOLDEN) {
  const { markdown, json } = filesOf(golden);
  writeFileSync(fileURLToPath(new URL(`${golden.name}.md`, import.meta.url)), markdown);
  writeFileSync(fileURLToPath(new URL(`${golden.name}.json`, import.meta.url)), json);
}
