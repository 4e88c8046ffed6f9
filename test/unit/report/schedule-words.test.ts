import { expect, it } from '@jest/globals';
import { isSameSchedule } from '../../../src/report/schedule-words.js';

it.each([
  ['@daily', '0 0 * * *', true], ['@weekly', '0 0 * * 0', true], ['@quarterly', '0 0 1 */3 *', true], ['None', 'Never, external triggers only', true], ['', 'None', true], ['Dataset', 'Asset', true], ['Dataset or 0 0 * * *', 'Asset or 0 0 * * *', true],
  ['0 0  * * *', '0 0 * * *', true], ['@daily', '@weekly', false], ['@once', 'None', false], ['Dataset', 'None', false], ['1 day, 0:00:00', '7 days, 0:00:00', false],
])('"%s" and "%s" mean the same: %s', (one, other, is) => expect(isSameSchedule(one, other)).toBe(is));
