import { describe, expect, it } from '@jest/globals';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describeLeaks, scanForCanaries } from '../../e2e/leaks/scan.js';

const VALUE = `s3cr3t+/=%&<>"'\\ canary5f0e1d2c3b4a ünï 🦊\r\nend`;
const CANARY = { name: 'api_token', value: VALUE };
const TEXT = 'nothing of interest, and then more of it; '.repeat(50);

const scan = (bytes: Buffer | string, name = 'file') => scanForCanaries([CANARY], { name, bytes: Buffer.from(bytes as string) });
const hidden = (secret: Buffer | string): Buffer => Buffer.concat([Buffer.from(TEXT), Buffer.from(secret as string), Buffer.from(TEXT)]);
const json = (text: string): string => JSON.stringify({ text });
const asciiJson = (text: string): string => json(text).replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
const lines = (text: string, width: number): string => text.replace(new RegExp(`.{${width}}`, 'g'), '$&\n');

describe('a planted leak is found', () => {
  it.each<[encoding: string, bytes: Buffer | string]>([
    ['raw', VALUE],
    ['base64', Buffer.from(VALUE).toString('base64')],
    ['base64, one byte before it', Buffer.from(`x${VALUE}y`).toString('base64')],
    ['base64, two bytes before it', Buffer.from(`xy${VALUE}z`).toString('base64')],
    ['base64url', Buffer.from(`user:${VALUE}`).toString('base64url')],
    ['base64 in lines of 76', lines(Buffer.from(`${'p'.repeat(50)}${VALUE}`).toString('base64'), 76)],
    ['base64 in lines of 64, in JSON', json(lines(Buffer.from(`${'p'.repeat(40)}${VALUE}`).toString('base64'), 64))],
    ['hex', Buffer.from(VALUE).toString('hex')],
    ['hex in capitals', Buffer.from(VALUE).toString('hex').toUpperCase()],
    ['URL', `https://example.org/?token=${encodeURIComponent(VALUE)}`],
    ['URL in small letters', encodeURIComponent(VALUE).replace(/%../g, (escape) => escape.toLowerCase())],
    ['form', new URLSearchParams({ token: VALUE }).toString()],
    ['JSON', json(VALUE)],
    ['JSON in ASCII', asciiJson(VALUE)],
    ['JSON in JSON', json(json(VALUE))],
    ['ASCII JSON in JSON', json(asciiJson(VALUE))],
    ['JSON, every character escaped', [...VALUE].flatMap((c) => c.split('')).map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')],
    ['HTML', VALUE.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;')],
    ['Markdown code of the summaries', VALUE.replace(/[^A-Za-z0-9 ,.-]/gu, (c) => `&#${c.codePointAt(0)};`)],
    ['CSV', `"${VALUE.replaceAll('"', '""')}"`],
    ['a workflow command', `::error::${VALUE.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')}`],
    ['UTF-16', Buffer.from(VALUE, 'utf16le')],
    ['UTF-16, big end first', Buffer.from(VALUE, 'utf16le').swap16()],
    ['gzip', gzipSync(hidden(VALUE))],
    ['gzip, its end missing', gzipSync(Buffer.concat([hidden(VALUE), Buffer.from(TEXT.repeat(5000))])).subarray(0, -50)],
    ['the second of two gzip members', Buffer.concat([gzipSync(TEXT), gzipSync(hidden(VALUE))])],
    ['gzip behind other gzip and text', Buffer.concat([gzipSync(TEXT), Buffer.from(TEXT), gzipSync(hidden(VALUE))])],
    ['zlib', deflateSync(hidden(VALUE))],
    ['zlib, level 1', deflateSync(hidden(VALUE), { level: 1 })],
    ['zip, deflated', zipOf('secret.txt', hidden(VALUE))],
    ['gzip in gzip in base64 in JSON', json(gzipSync(gzipSync(hidden(VALUE))).toString('base64'))],
    ['gzip in base64 in lines', lines(gzipSync(hidden(VALUE)).toString('base64'), 76)],
    ['gzip in hex', gzipSync(hidden(VALUE)).toString('hex')],
    ['base64 in gzip', gzipSync(hidden(Buffer.from(`a${VALUE}`).toString('base64')))],
  ])('as %s', async (_encoding, bytes) => {
    const { leaks } = await scan(hidden(bytes), 'log.txt');
    expect(leaks.length).toBeGreaterThan(0);
    expect(new Set(leaks.map(({ canary, source }) => `${canary} ${source}`))).toEqual(new Set(['api_token log.txt']));
  });

  it('in the name of an object, which the report then hides', async () => {
    const { leaks } = await scan('clean', `s3://bucket/${VALUE}/x`);
    expect(leaks).toEqual([{ canary: 'api_token', source: 's3://bucket/(hidden)/x', offset: -1, encoding: 'raw', through: [] }]);
  });

  it('at each place of each source, with offset and way', async () => {
    const zipped = gzipSync(`12345${VALUE}`);
    const { leaks } = await scan(Buffer.concat([Buffer.from(`abc${VALUE}`), zipped]));
    const at = 3 + Buffer.byteLength(VALUE);
    expect(leaks).toEqual([
      { canary: 'api_token', source: 'file', offset: 3, encoding: 'raw', through: [] },
      { canary: 'api_token', source: 'file', offset: 5, encoding: 'raw', through: [`gzip@${at}`] },
    ]);
    expect(describeLeaks(leaks)).toBe(`"api_token" as raw in file, byte 3\n"api_token" as raw in file → gzip@${at}, byte 5`);
  });
});

describe('what holds no canary is clean', () => {
  it.each<[what: string, bytes: Buffer | string]>([
    ['text', TEXT], ['nothing', ''], ['half of the value', VALUE.slice(0, 20)], ['compressed text', gzipSync(TEXT)],
    ['marks of compressed data without any', Buffer.from('1f8b08 x^ 789c PK\x03\x04 H4sI \x1f\x8b\x08 \x78\x9c', 'latin1')],
  ])('%s', async (_what, bytes) => {
    expect(await scan(hidden(bytes))).toMatchObject({ leaks: [], sources: 1 });
  });
});

it('refuses a canary that chance could make, and a search for nothing', async () => {
  await expect(scanForCanaries([{ name: 'short', value: 'abc' }], { name: 'x', bytes: Buffer.alloc(0) })).rejects.toThrow('"short"');
  await expect(scanForCanaries([], { name: 'x', bytes: Buffer.alloc(0) })).rejects.toThrow('no canary');
});

it('searches a hundred megabytes for a hundred canaries in seconds', async () => {
  const canaries = Array.from({ length: 100 }, (_, number) => ({ name: `c${number}`, value: `canary-${number}-4f1d8a6b90c2e735` }));
  const bytes = Buffer.alloc(100_000_000, `${TEXT}\n`);
  bytes.write(canaries[70]?.value ?? '', 99_000_000);
  const began = Date.now();
  const { leaks } = await scanForCanaries(canaries, { name: 'large', bytes });
  expect(leaks).toEqual([{ canary: 'c70', source: 'large', offset: 99_000_000, encoding: 'raw', through: [] }]);
  expect(Date.now() - began).toBeLessThan(20_000);
}, 60_000);

/** One deflated entry as Python's zipfile writes it to a stream: lengths only behind the data. */
function zipOf(name: string, body: Buffer): Buffer {
  const header = Buffer.alloc(30);
  header.write('504b0304', 0, 'hex');
  header.writeUInt16LE(8, 6);
  header.writeUInt16LE(8, 8);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, Buffer.from(name), deflateRawSync(body)]);
}
