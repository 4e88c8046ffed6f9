/** A value whose appearance outside the two databases is a leak. `name` is safe to show, the value is not. */
export type Canary = Readonly<{ name: string; value: string }>;

/** Bytes to look for. `encoding` says how the value was written there. */
export type Needle = Readonly<{ canary: string; encoding: string; bytes: Buffer }>;

/** Shorter ones would be found by chance, in base64 above all: two characters are lost at each end. */
export const SHORTEST_VALUE = 12;

/**
 * Every way in which the value may stand in a text or file, each byte sequence once.
 * @throws Error when a value is too short to be told from chance, naming the canary
 */
export function needlesOf({ name, value }: Canary): readonly Needle[] {
  if (Buffer.byteLength(value) < SHORTEST_VALUE) throw new Error(`Canary "${name}" has fewer than ${SHORTEST_VALUE} bytes.`);
  const forms: readonly (readonly [encoding: string, text: string])[] = [
    ['raw', value],
    ...escapes(value),
    // A text in JSON in JSON, as logs carry requests: the escapes escaped once more.
    ...escapes(value).filter(([encoding]) => encoding.startsWith('JSON')).map(([encoding, text]) => [`${encoding}, twice`, inJson(text)] as const),
  ];
  const seen = new Set<string>();
  return [
    ...forms.map(([encoding, text]) => ({ encoding, bytes: Buffer.from(text, 'utf8') })),
    ...byteForms(Buffer.from(value, 'utf8')),
    { encoding: 'UTF-16LE', bytes: Buffer.from(value, 'utf16le') },
    { encoding: 'UTF-16BE', bytes: Buffer.from(value, 'utf16le').swap16() },
  ].flatMap(({ encoding, bytes }) => {
    const key = bytes.toString('latin1');
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ canary: name, encoding, bytes }];
  });
}

/** Text forms that differ from the raw value only where it has special characters. */
function escapes(value: string): readonly (readonly [encoding: string, text: string])[] {
  const url = encodeURIComponent(value);
  const strictUrl = url.replace(/[!'()*]/g, (character) => percent(Buffer.from(character)));
  const wholeUrl = percent(Buffer.from(value, 'utf8'));
  const json = inJson(value);
  const ascii = (text: string, hex: (digits: string) => string) => text.replace(/[\u0080-\uffff]/g, (unit) => `\\u${hex(unit.charCodeAt(0).toString(16).padStart(4, '0'))}`);
  return [
    ['URL', url], ['URL', lowerPercent(url)], ['URL, RFC 3986', strictUrl], ['URL, RFC 3986', lowerPercent(strictUrl)],
    ['URL, form', strictUrl.replaceAll('%20', '+')], ['URL, slashes kept', strictUrl.replaceAll('%2F', '/')],
    ['URL, every byte', wholeUrl], ['URL, every byte', lowerPercent(wholeUrl)],
    ['JSON', json], ['JSON, slashes escaped', json.replaceAll('/', '\\/')],
    ['JSON, ASCII', ascii(json, (hex) => hex)], ['JSON, ASCII', ascii(json, (hex) => hex.toUpperCase())],
    ['JSON, HTML-safe', ascii(json.replace(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`), (hex) => hex)],
    ['JSON, every character', unitEscapes(value, (hex) => hex)], ['JSON, every character', unitEscapes(value, (hex) => hex.toUpperCase())],
    ['HTML', value.replace(/[&<>"']/g, (character) => HTML_NAMES[character] ?? character)],
    ['HTML, specials by number', value.replace(/[^A-Za-z0-9 ,.-]/gu, (character) => `&#${character.codePointAt(0)};`)],
    ['HTML, every character', value.replace(/./gsu, (character) => `&#${character.codePointAt(0)};`)],
    ['GitHub command data', value.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')],
    ['CSV', value.replaceAll('"', '""')], ['SQL', value.replaceAll("'", "''")],
    ['COPY text', value.replace(/[\\\n\r\t]/g, (character) => COPY_ESCAPES[character] ?? character)],
    ['shell', value.replaceAll("'", `'\\''`)], ['Python', value.replace(/[\\\n\r\t']/g, (character) => COPY_ESCAPES[character] ?? `\\${character}`)],
  ];
}

/** Forms of the bytes, whatever text they make. */
function byteForms(bytes: Buffer): readonly Readonly<{ encoding: string; bytes: Buffer }>[] {
  const hex = bytes.toString('hex');
  return [
    { encoding: 'hex', bytes: Buffer.from(hex) },
    { encoding: 'hex', bytes: Buffer.from(hex.toUpperCase()) },
    { encoding: 'hex, \\x per byte', bytes: Buffer.from(hex.replace(/../g, '\\x$&')) },
    // Where the value begins in a group of three bytes decides which characters it becomes; those shared with a neighbour are left out.
    ...[0, 1, 2].flatMap((shift) => {
      const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64').replace(/=+$/, '');
      const first = [0, 2, 3][shift] ?? 0, last = Math.floor(((shift + bytes.length) * 8) / 6);
      const inner = text.slice(first, last);
      return [
        { encoding: `base64, shifted by ${shift}`, bytes: Buffer.from(inner) },
        { encoding: `base64url, shifted by ${shift}`, bytes: Buffer.from(inner.replaceAll('+', '-').replaceAll('/', '_')) },
      ];
    }),
  ];
}

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);
const percent = (bytes: Buffer): string => bytes.toString('hex').toUpperCase().replace(/../g, '%$&');
const lowerPercent = (text: string): string => text.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase());
const unitEscapes = (text: string, hex: (digits: string) => string): string =>
  text.replace(/[^]/g, (unit) => `\\u${hex(unit.charCodeAt(0).toString(16).padStart(4, '0'))}`);

const HTML_NAMES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const COPY_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
