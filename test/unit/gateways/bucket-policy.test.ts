import { describe, expect, it } from '@jest/globals';
import { parsePolicy, renderPolicy, samePolicy, withoutSids, withStatements } from '../../../src/gateways/aws/bucket-policy.js';

const statement = (Sid: string | undefined, Action: string | string[] = 's3:GetObject') => ({ ...(Sid ? { Sid } : {}), Effect: 'Allow', Action, Resource: '*' });

describe('the bucket policy', () => {
  it('keeps strangers, replaces ours at their place, adds new ones at the end', () => {
    const before = parsePolicy(JSON.stringify({ Version: '2008-10-17', Id: 'x', Statement: [statement(undefined), statement('A'), statement('Other')] }), 'b');
    expect(withStatements(before, [statement('A', 's3:PutObject'), statement('B')])).toEqual({ Version: '2008-10-17', Id: 'x', Statement: [statement(undefined), statement('A', 's3:PutObject'), statement('Other'), statement('B')] });
    expect(withoutSids(before, 'A').Statement).toEqual([statement(undefined), statement('Other')]);
  });

  it('begins empty, and takes a single statement for a list of one', () => {
    expect(parsePolicy(undefined, 'b')).toEqual({ Version: '2012-10-17', Statement: [] });
    expect(parsePolicy(JSON.stringify({ Statement: statement('A') }), 'b').Statement).toEqual([statement('A')]);
    expect(() => parsePolicy('{}', 'b')).toThrow('has no Statement');
  });

  it('compares as S3 reads', () => {
    expect(samePolicy([statement('A', ['s3:GetObject'])], [statement('A', 's3:GetObject')])).toBe(true);
    expect(samePolicy({ a: ['x', 'y'], b: true }, { b: 'true', a: ['y', 'x'] })).toBe(true);
    expect(samePolicy([statement('A', ['s3:GetObject', 's3:PutObject'])], [statement('A')])).toBe(false);
    expect(samePolicy([], [statement('A')])).toBe(false);
  });

  it('is refused above 20 KB', () => expect(() => renderPolicy({ Statement: [statement('A', 'x'.repeat(20_480))] }, 'b')).toThrow('above 20 KB'));
});
