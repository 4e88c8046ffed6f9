/** Folders of the cache that several processes may want at the same time. */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Written last into a finished folder: one without it was left half-made. */
const READY = '.mwaa-migrate-ready';

/**
 * Has `build` fill the folder unless it is there whole already. One process builds, the others wait for it; a builder that died is replaced.
 * Built in its final place, because virtual environments hold absolute paths.
 * @param build must write into `folder` and nowhere else
 * @throws whatever build throws; the half-made folder is gone then
 */
export async function buildOnce(folder: string, build: () => Promise<void>): Promise<void> {
  const ready = path.join(folder, READY), lock = `${folder}.lock`;
  mkdirSync(path.dirname(folder), { recursive: true });
  while (!existsSync(ready)) {
    if (!takeLock(lock)) {
      await sleep(200);
      continue;
    }
    try {
      if (existsSync(ready)) return;
      rmSync(folder, { recursive: true, force: true });
      await build();
      writeFileSync(ready, `${new Date().toISOString()}\n`);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    } finally {
      rmSync(lock, { force: true });
    }
  }
}

/** The lock holds the process id of its owner; one whose owner is gone is moved away, which only one of several finders can do. */
function takeLock(lock: string): boolean {
  try {
    const file = openSync(lock, 'wx');
    writeFileSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const owner = readOwner(lock);
  if (owner === undefined || isAlive(owner)) return false;
  const stale = `${lock}.${process.pid}.stale`;
  try {
    renameSync(lock, stale);
  } catch {
    return false; // another finder was first
  }
  if (readOwner(stale) !== owner) {
    // Between reading and moving, a new owner had taken it: give it back, unless a third one holds it by now (then both build, and the ready mark still tells the truth).
    if (!existsSync(lock)) renameSync(stale, lock);
    return false;
  }
  rmSync(stale, { force: true });
  return false;
}

function readOwner(lock: string): number | undefined {
  try {
    const pid = Number(readFileSync(lock, 'utf8'));
    return pid > 0 ? pid : undefined; // just made, the id not written yet
  } catch {
    return undefined; // released meanwhile
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
