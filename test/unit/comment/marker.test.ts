import { describe, expect, it } from '@jest/globals';
import { isSameContent, readMarker, writeMarker, type Marker } from '../../../src/comment/marker.js';

const marker = (given: Partial<Marker> = {}): Marker => ({ id: 'analytics-2026', plan: 'a'.repeat(64), commit: 'c0ffee0', run: '777', tool: '1.2.3', ...given });
const body = (given: Partial<Marker> = {}, text = 'same', last = 'of run 1') => `${writeMarker(marker(given))}\n## ✅ ${text}\n\n${last}`;

describe('the marker', () => {
  it('is one line that a browser does not show, and is read back', () => {
    expect(writeMarker(marker())).toBe(`<!-- mwaa-migration:v1 {"id":"analytics-2026","plan":"${'a'.repeat(64)}","commit":"c0ffee0","run":"777","tool":"1.2.3"} -->`);
    expect(readMarker(body())).toEqual({ id: 'analytics-2026', plan: 'a'.repeat(64) });
    expect(readMarker(body({ plan: undefined }))).toEqual({ id: 'analytics-2026', plan: undefined });
  });

  it.each(['a--b', '--><b>', '-->\n## forged', 'a&gt;', 'ä\u2028\u202e', '---', '-'])('carries an id like %j without ending early', (id) => {
    const line = writeMarker(marker({ id }));
    expect(line).toMatch(/^<!-- mwaa-migration:v1 \{[^\n<>\u0080-\uffff]*\} -->$/u);
    expect(line.slice(4, -3)).not.toContain('--');
    expect(readMarker(`${line}\nrest`)?.id).toBe(id);
  });

  it.each([
    ['in a quote', `> ${body()}`], ['after another line', `hello\n${body()}`], ['in the middle of a line', `see ${body()}`], ['of a later format', body().replace(':v1 ', ':v2 ')],
    ['without an id', '<!-- mwaa-migration:v1 {} -->'], ['of no JSON', '<!-- mwaa-migration:v1 {x} -->'], ['with an id that is no text', '<!-- mwaa-migration:v1 {"id":7} -->'], ['of null', '<!-- mwaa-migration:v1 {"id":null} -->'],
    ['with text behind', `${writeMarker(marker())} x`], ['empty', ''],
  ])('is none %s', (_, text) => expect(readMarker(text)).toBeUndefined());
});

describe('whether a comment says the same', () => {
  it.each([
    ['the run and the commit', body({ commit: 'other', run: '778' }, 'same', 'of run 2'), true], ['line ends, as the web editor makes them', `${body().replaceAll('\n', '\r\n')}\r\n`, true],
    ['the tool', body({ tool: '2.0.0' }), true], ['the digest', body({ plan: 'b'.repeat(64) }), false], ['the text', body({}, 'other'), false], ['an edit by hand', body().replace('same', 'same!'), false],
  ])('another one in %s', (_, other, isSame) => expect(isSameContent(body(), other)).toBe(isSame));
});
