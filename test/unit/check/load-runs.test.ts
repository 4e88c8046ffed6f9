import { describe, expect, it } from '@jest/globals';
import { readLoadMessage } from '../../../src/check/load-messages.js';
import { readRuns, readSeeds } from '../../../src/check/load-runs.js';

const A = '2026-03-10T00:00:00Z', B = '2026-03-11T00:00:00Z';

it('reads seeds with and without a past', () => expect(readSeeds([{ at: A, last: [A, B] }, { at: B, last: null }])).toEqual([{ at: A, last: [A, B] }, { at: B, last: undefined }]));
it('reads runs', () => expect(readRuns([[[B, A, B]], []])).toEqual([[[B, A, B]], []]));

describe('takes none of a list', () => {
  it.each<readonly [string, unknown]>([
    ['no list', 'x'], ['a seed without a past', [{ at: A }]], ['another instant', [{ at: '2026-03-10T00:00:00+01:00', last: null }]], ['half an interval', [{ at: A, last: [A] }]], ['three dates', [{ at: A, last: [A, B, B] }]],
    ['one that is none among others', [{ at: A, last: null }, 7]], ['more than are asked for', Array(4).fill({ at: A, last: null })], ['a date that is code', [{ at: '__import__("os")', last: null }]],
  ])('of seeds: %s', (_, value) => expect(readSeeds(value)).toEqual([]));
  it.each<readonly [string, unknown]>([
    ['no list', { 0: [] }], ['a run of two dates', [[[A, B]]]], ['of four', [[[A, B, A, B]]]], ['no date', [[[A, B, '<b>']]]], ['one hole', [[], 'x']], ['more runs than are looked at', [Array(41).fill([A, A, B])]],
  ])('of runs: %s', (_, value) => expect(readRuns(value)).toEqual([]));
});

it.each<readonly [string, object, object]>([
  ['an interval', { interval: `${A}/${B}` }, { interval: `${A}/${B}` }], ['none', { interval: null }, { interval: null }], ['no interval', { interval: `${A}/` }, { interval: undefined }], ['more than one', { interval: `${A}/${B}/${B}` }, { interval: undefined }],
  ['catchup', { catchup: false }, { catchup: false }], ['no truth', { catchup: 'no' }, { catchup: undefined }], ['a part of another DAG', { isSubDag: true }, { isSubDag: true }], ['what only looks so', { isSubDag: 1 }, { isSubDag: false }],
])('reads of a DAG %s', (_, given, is) => {
  const message = readLoadMessage(JSON.stringify({ kind: 'file', file: 'a.py', outcome: 'loaded', dags: [{ dagId: 'a', schedule: '', ...given }] }));
  expect(message).toMatchObject({ dags: [is] });
});
