import { createInflate, createInflateRaw, type Inflate, type InflateRaw } from 'node:zlib';

/** Something compressed or encoded inside a buffer, opened. `how` names the way, for the report. */
export type Unpacked = Readonly<{ how: string; offset: number; bytes: Buffer }>;

const GZIP = Buffer.from('1f8b08', 'hex');
const ZIP_ENTRY = Buffer.from('504b0304', 'hex');
/** zlib's header for its four levels (RFC 1950: 32 kB window, no dictionary). */
const ZLIB = ['7801', '785e', '789c', '78da'].map((hex) => Buffer.from(hex, 'hex'));
/** Begin of a gzip stream (1f 8b 08) in base64 and in hex. */
const GZIP_BASE64 = Buffer.from('H4sI');
const BASE64_TEXT = /^(?:[A-Za-z0-9+/_=-]|\r|\n|\\r|\\n)*/;
const HEX_TEXT = /^[0-9A-Fa-f]*/;
/** At least two lines, the first of some length, ended by a line end or by one that JSON has escaped. Tried only where such a text begins: from each letter on, 200 kB in one line take hours. */
const BASE64_LINES = /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{20,}(?:(?:\r?\n|(?:\\r)?\\n)[ \t]*[A-Za-z0-9+/_-]+={0,2})+/g;
const LINE_END = /(?:\r?\n|(?:\\r)?\\n)[ \t]*/g;
const GZIP_HEX = [Buffer.from('1f8b08'), Buffer.from('1F8B08')];

/** More than this from one stream is a decompression bomb, not a leak. */
const MOST_BYTES = 1 << 30;

/**
 * Opens whatever gzip, zlib and ZIP data begins anywhere in the buffer, also gzip that stands there in base64 or hex.
 * Truncated or damaged data is opened as far as it goes. What is no compressed data after all gives nothing.
 */
export async function* unpack(bytes: Buffer): AsyncGenerator<Unpacked> {
  yield* opened('gzip', bytes, [GZIP], (offset) => gunzip(bytes, offset));
  yield* opened('zlib', bytes, ZLIB, (offset) => inflate(bytes.subarray(offset), createInflate()));
  yield* opened('zip', bytes, [ZIP_ENTRY], (offset) => inflate(deflatedZipEntry(bytes, offset), createInflateRaw()));
  yield* opened('base64', bytes, [GZIP_BASE64], (offset) => decoded(bytes, offset, 'base64', BASE64_TEXT));
  yield* opened('hex', bytes, GZIP_HEX, (offset) => decoded(bytes, offset, 'hex', HEX_TEXT));
  // Lines of base64 made one: a value that crosses the end of a line stands nowhere whole.
  for (const match of bytes.toString('latin1').matchAll(BASE64_LINES)) yield { how: 'lines', offset: match.index, bytes: Buffer.from(match[0].replace(LINE_END, '')) };
}

/** What was opened, and how many bytes of the input it was. */
type Content = Readonly<{ bytes: Buffer; taken: number }>;

async function* opened(how: string, bytes: Buffer, marks: readonly Buffer[], open: (offset: number) => Content | Promise<Content>): AsyncGenerator<Unpacked> {
  for (const mark of marks) {
    for (let at = bytes.indexOf(mark); at >= 0; ) {
      const content = await open(at);
      if (content.bytes.length > 0) yield { how, offset: at, bytes: content.bytes };
      // A stream of many members is opened once, not once from each member on.
      at = bytes.indexOf(mark, at + Math.max(content.bytes.length > 0 ? content.taken : 0, 1));
    }
  }
}

/** The data of a compressed entry (APPNOTE.TXT 4.3.7); stored ones (method 0) are readable where they stand. Its length may be missing: the stream knows its end. */
function deflatedZipEntry(bytes: Buffer, offset: number): Buffer {
  if (offset + 30 > bytes.length || bytes.readUInt16LE(offset + 8) !== 8) return Buffer.alloc(0);
  return bytes.subarray(offset + 30 + bytes.readUInt16LE(offset + 26) + bytes.readUInt16LE(offset + 28));
}

/**
 * All members that follow each other from here (RFC 1952). Not by createGunzip: bytes behind the last member make it fail, and what it had is lost.
 */
async function gunzip(bytes: Buffer, offset: number): Promise<Content> {
  const members: Buffer[] = [];
  let at = offset;
  while (bytes.subarray(at, at + GZIP.length).equals(GZIP)) {
    const start = at + gzipHeaderLength(bytes, at);
    const member = await inflate(bytes.subarray(start), createInflateRaw());
    if (member.bytes.length === 0 && member.taken === 0) break;
    members.push(member.bytes);
    at = start + member.taken + 8; // checksum and length
  }
  return { bytes: Buffer.concat(members), taken: at - offset };
}

/** Ten bytes, then by the flags: extra field, name, comment, checksum. */
function gzipHeaderLength(bytes: Buffer, offset: number): number {
  const flags = bytes[offset + 3] ?? 0;
  let end = offset + 10;
  if (flags & 4) end += 2 + (bytes[end] ?? 0) + ((bytes[end + 1] ?? 0) << 8);
  for (const flag of [8, 16]) if (flags & flag) end = Math.max(bytes.indexOf(0, end), end) + 1;
  return end + (flags & 2 ? 2 : 0) - offset;
}

/** Given in pieces: what came out of the pieces before a damaged one is kept, and the error of something else shows at once. */
const PIECE = 16_384;

/** What came out until the stream ended, broke off or turned out damaged. */
function inflate(bytes: Buffer, stream: Inflate | InflateRaw): Promise<Content> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0, isOver = false;
    const done = () => {
      isOver = true;
      resolve({ bytes: Buffer.concat(chunks), taken: stream.bytesWritten });
    };
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MOST_BYTES) stream.destroy(new Error(`More than ${MOST_BYTES} bytes came out of one compressed stream.`));
    });
    // The error of a stream that is none, or is cut off, is expected; what came before it counts.
    stream.on('error', (error: NodeJS.ErrnoException) => (error.code?.startsWith('Z_') ? done() : reject(error)));
    stream.on('end', done);
    const give = (at: number): void => {
      if (isOver) return;
      if (at >= bytes.length) stream.end();
      else stream.write(bytes.subarray(at, at + PIECE), (error) => (error ? undefined : give(at + PIECE)));
    };
    give(0);
  });
}

function decoded(bytes: Buffer, offset: number, encoding: 'base64' | 'hex', pattern: RegExp): Content {
  const text = pattern.exec(bytes.toString('latin1', offset))?.[0] ?? '';
  return { bytes: Buffer.from(text.replace(/\\r|\\n|[\r\n]/g, ''), encoding), taken: text.length };
}
