import { readdirSync, readFileSync } from 'node:fs';
import { scanForCanaries, type ByteSource, type Canary, type ScanResult } from './scan.js';

export type ProcessWatch = Readonly<{
  /** Looks once more, ends the watch, and scans what was seen. */
  stop(): Promise<ScanResult & Readonly<{ processes: number; samples: number }>>;
}>;

/**
 * Watches command line and environment of these processes and of all their descendants, until stopped. Linux only.
 * A process seen once stays watched when its parent ends. One that lives for less than the interval may go unseen: `processes` says how many were seen,
 * and a test should ask for those it knows of.
 * @param roots process ids to begin with; asked each time, so that a process started later counts, too
 */
export function watchProcesses(canaries: readonly Canary[], roots: () => readonly number[], intervalMs = 25): ProcessWatch {
  // By id and start: ids are given again.
  const watched = new Map<string, { pid: number; texts: Set<string> }>();
  let samples = 0;

  const sample = (): void => {
    samples++;
    const alive = processesNow();
    const children = new Map<number, Living[]>();
    for (const each of alive.values()) children.set(each.parent, [...(children.get(each.parent) ?? []), each]);
    const queue = [...alive.values()].filter((each) => watched.has(each.key) || roots().includes(each.pid));
    const visited = new Set<string>();
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (visited.has(next.key)) continue;
      visited.add(next.key);
      queue.push(...(children.get(next.pid) ?? []));
      const entry = watched.get(next.key) ?? { pid: next.pid, texts: new Set() };
      watched.set(next.key, entry);
      // Both may change: exec replaces them.
      for (const file of ['cmdline', 'environ']) {
        const text = readProc(`/proc/${next.pid}/${file}`);
        if (text) entry.texts.add(`${file}\0${text.toString('latin1')}`);
      }
    }
  };

  sample();
  const timer = setInterval(sample, intervalMs);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      sample();
      const sources = [...watched.values()].flatMap(({ pid, texts }) => [...texts].map((text): ByteSource => {
        const end = text.indexOf('\0');
        return { name: `/proc/${pid}/${text.slice(0, end)}`, bytes: Buffer.from(text.slice(end + 1), 'latin1') };
      }));
      return { ...(await scanForCanaries(canaries, sources)), processes: watched.size, samples };
    },
  };
}

type Living = Readonly<{ pid: number; parent: number; key: string }>;

function processesNow(): ReadonlyMap<number, Living> {
  const alive = new Map<number, Living>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readProc(`/proc/${name}/stat`)?.toString('latin1');
    if (stat === undefined) continue;
    // proc(5): the second field is a name in parentheses, which may itself hold any character; parent is field 4, start time field 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    alive.set(Number(name), { pid: Number(name), parent: Number(fields[1]), key: `${name} ${fields[19]}` });
  }
  return alive;
}

/** undefined: it has ended meanwhile, or belongs to somebody else. */
function readProc(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
