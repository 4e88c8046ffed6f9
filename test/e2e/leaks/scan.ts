import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { needlesOf, type Canary, type Needle } from './encodings.js';
import { searchFor, type Search } from './search.js';
import { unpack } from './unpack.js';

export type { Canary } from './encodings.js';

/** Named bytes. The name is scanned, too: a file or object may carry a value in it. */
export type ByteSource = Readonly<{ name: string; bytes: Buffer }>;

/** Where a value was found; the value itself stands nowhere in it. */
export type Leak = Readonly<{
  canary: string;
  /** File, object or process; "(hidden)" for the value where the name itself holds it. */
  source: string;
  /** Of the first byte, within what `through` opened; -1: in the name. */
  offset: number;
  encoding: string;
  /** What had to be opened on the way, outermost first, with offsets: "gzip@0", "base64@17". */
  through: readonly string[];
}>;

export type ScanResult = Readonly<{ leaks: readonly Leak[]; sources: number; bytes: number }>;

/** Files are read whole, so that nothing can hide at a border of two pieces. */
const LARGEST_FILE = 1 << 30;

/** Compressed within compressed, and encoded within that. */
const DEEPEST = 6;

/**
 * Searches every byte for every canary, raw and in the encodings of encodings.ts, and within whatever can be unpacked.
 * @param where folders and files (links are not followed), byte sources, or streams of these
 * @throws Error for a canary that is too short, or a file too large or not readable: what was not searched must not pass for clean
 */
export async function scanForCanaries(canaries: readonly Canary[], ...where: readonly (string | ByteSource | AsyncIterable<ByteSource> | Iterable<ByteSource>)[]): Promise<ScanResult> {
  const needles = canaries.flatMap(needlesOf);
  if (needles.length === 0) throw new Error('There is no canary to search for.');
  const search = searchFor(needles);
  const leaks: Leak[] = [];
  let sources = 0, total = 0;
  for (const place of where) {
    for await (const source of typeof place === 'string' ? filesOf(place) : 'bytes' in place ? [place] : place) {
      sources++;
      total += source.bytes.length;
      const name = hideIn(source.name, needles);
      for (const { needle } of search(Buffer.from(source.name))) leaks.push({ canary: needle.canary, source: name, offset: -1, encoding: needle.encoding, through: [] });
      await scanBytes(search, source.bytes, name, [], leaks);
    }
  }
  return { leaks, sources, bytes: total };
}

async function scanBytes(search: Search, bytes: Buffer, source: string, through: readonly string[], leaks: Leak[]): Promise<void> {
  for (const { needle, offset } of search(bytes)) leaks.push({ canary: needle.canary, source, offset, encoding: needle.encoding, through });
  if (through.length === DEEPEST) return;
  for await (const inner of unpack(bytes)) await scanBytes(search, inner.bytes, source, [...through, `${inner.how}@${inner.offset}`], leaks);
}

/** @param root a file, or a folder with all below it; sockets, pipes and devices hold no bytes */
function* filesOf(root: string): Generator<ByteSource> {
  const status = lstatSync(root);
  if (status.isDirectory()) {
    for (const name of readdirSync(root).sort()) yield* filesOf(path.join(root, name));
  } else if (status.isFile()) {
    if (status.size > LARGEST_FILE) throw new Error(`${root} has ${status.size} bytes; files above ${LARGEST_FILE} are not searched.`);
    yield { name: root, bytes: readFileSync(root) };
  } else if (status.isSymbolicLink()) {
    yield { name: root, bytes: Buffer.alloc(0) };
  }
}

function hideIn(name: string, needles: readonly Needle[]): string {
  return needles.reduce((text, { bytes }) => text.replaceAll(bytes.toString('utf8'), '(hidden)'), name);
}

/** One leak a line, safe to print. */
export function describeLeaks(leaks: readonly Leak[]): string {
  return leaks.map(({ canary, source, offset, encoding, through }) =>
    `${JSON.stringify(canary)} as ${encoding} in ${source}${through.map((step) => ` → ${step}`).join('')}${offset < 0 ? ' (in its name)' : `, byte ${offset}`}`).join('\n');
}
