/** The guardian's own process: collects what guardian.ts tells it, and acts when its input ends without a dismissal. */
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { endSessions } from './process-tree.js';

process.on('SIGINT', () => undefined).on('SIGTERM', () => undefined).on('SIGHUP', () => undefined);
const sessions = new Set<number>(), folders = new Set<string>();
for await (const line of createInterface({ input: process.stdin })) {
  const [order = '', ...rest] = line.split(' ');
  const subject = rest.join(' ');
  if (order === 'watch') sessions.add(Number(subject));
  if (order === 'release') sessions.delete(Number(subject));
  if (order === 'folder') folders.add(subject);
  if (order === 'dismiss') process.exit(0);
}
await endSessions([...sessions], 0);
for (const folder of folders) rmSync(folder, { recursive: true, force: true });
