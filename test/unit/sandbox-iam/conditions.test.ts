import { describe, expect, it } from '@jest/globals';
import { conditionsHold } from '../../sandbox/iam/conditions.js';
import { matchesArn, matchesGlob, matchesResource } from '../../sandbox/iam/patterns.js';

type Row = Readonly<{ condition: object; given: Readonly<Record<string, readonly string[]>>; holds: boolean; because: string }>;
const check = ({ condition, given, holds }: Row): void => expect(conditionsHold(condition, given, given)).toBe(holds);

describe('operators', () => {
  it.each<Row>([
    { condition: { StringEquals: { 'aws:RequestedRegion': ['eu-west-1', 'eu-west-3'] } }, given: { 'aws:requestedregion': ['eu-west-3'] }, holds: true, because: 'one of several values is enough; key names have no case' },
    { condition: { StringEquals: { 'a:k': 'X' } }, given: { 'a:k': ['x'] }, holds: false, because: 'values have' },
    { condition: { StringEqualsIgnoreCase: { 'a:k': 'X' } }, given: { 'a:k': ['x'] }, holds: true, because: 'unless the operator says so' },
    { condition: { StringEquals: { 'a:k': 'x*' } }, given: { 'a:k': ['xyz'] }, holds: false, because: 'StringEquals knows no wildcard' },
    { condition: { StringLike: { 'a:k': 'x*z' } }, given: { 'a:k': ['xyz'] }, holds: true, because: 'StringLike does' },
    { condition: { StringEquals: { 'a:k': 'x' }, NumericLessThan: { 'a:n': '5' } }, given: { 'a:k': ['x'], 'a:n': ['5'] }, holds: false, because: 'all operators have to hold' },
    { condition: { StringNotEquals: { 'a:k': ['x', 'y'] } }, given: { 'a:k': ['y'] }, holds: false, because: 'a negated operator must differ from every value' },
    { condition: { StringEquals: { 'a:k': 'x' } }, given: {}, holds: false, because: 'an absent key equals nothing' },
    { condition: { StringNotEquals: { 'a:k': 'x' } }, given: {}, holds: true, because: 'and differs from everything' },
    { condition: { StringEqualsIfExists: { 'a:k': 'x' } }, given: {}, holds: true, because: 'IfExists forgives absence' },
    { condition: { StringEqualsIfExists: { 'a:k': 'x' } }, given: { 'a:k': ['y'] }, holds: false, because: 'but no other value' },
    { condition: { Null: { 'a:k': 'true' } }, given: {}, holds: true, because: 'Null true: absent' },
    { condition: { Null: { 'a:k': false } }, given: {}, holds: false, because: 'Null false: present' },
    { condition: { Bool: { 'aws:SecureTransport': false } }, given: { 'aws:securetransport': ['true'] }, holds: false, because: 'JSON’s false is "false"' },
    { condition: { Bool: { 'aws:SecureTransport': 'FALSE' } }, given: { 'aws:securetransport': ['false'] }, holds: true, because: 'Bool has no case' },
    { condition: { NumericLessThanEquals: { 's3:max-keys': 10 } }, given: { 's3:max-keys': ['10'] }, holds: true, because: 'numbers, not texts' },
    { condition: { NumericEquals: { 'a:n': '5' } }, given: { 'a:n': ['five'] }, holds: false, because: 'what is no number equals none' },
    { condition: { DateLessThan: { 'aws:CurrentTime': '2026-12-01T00:00:00Z' } }, given: { 'aws:currenttime': ['2026-11-22T14:00:00Z'] }, holds: true, because: 'dates' },
    { condition: { DateGreaterThan: { 'aws:CurrentTime': '1796000000' } }, given: { 'aws:currenttime': ['2026-11-22T14:00:00Z'] }, holds: false, because: 'also as seconds since the epoch' },
    { condition: { IpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '127.0.0.0/8'] } }, given: { 'aws:sourceip': ['::ffff:127.0.0.1'] }, holds: true, because: 'an IPv4 address in IPv6 clothes' },
    { condition: { NotIpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }, given: { 'aws:sourceip': ['10.1.2.3'] }, holds: false, because: 'in the range' },
    { condition: { IpAddress: { 'aws:SourceIp': '2001:db8::/32' } }, given: { 'aws:sourceip': ['2001:db8::1'] }, holds: true, because: 'IPv6' },
    { condition: { ArnLike: { 'aws:SourceArn': 'arn:aws:airflow:*:111122223333:environment/*' } }, given: { 'aws:sourcearn': ['arn:aws:airflow:eu-west-1:111122223333:environment/a'] }, holds: true, because: 'wildcards in fields' },
    { condition: { ArnEquals: { 'aws:SourceArn': 'arn:aws:s3:*:data' } }, given: { 'aws:sourcearn': ['arn:aws:s3:::data'] }, holds: false, because: 'a wildcard stays in its field' },
    { condition: { BinaryEquals: { 'a:b': 'AQI=' } }, given: { 'a:b': ['AQI='] }, holds: true, because: 'equal bytes' },
    { condition: { StringMatches: { 'a:k': 'x' } }, given: { 'a:k': ['x'] }, holds: false, because: 'an unknown operator never holds' },
  ])('$because', check);
});

describe('keys with several values', () => {
  const tags = (...keys: string[]) => ({ 'aws:tagkeys': keys });
  it.each<Row>([
    { condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['a', 'b'] } }, given: tags('a', 'b'), holds: true, because: 'all are in the list' },
    { condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['a', 'b'] } }, given: tags('a', 'c'), holds: false, because: 'one is not' },
    { condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['a'] } }, given: {}, holds: true, because: 'ForAllValues is true of nothing: the trap' },
    { condition: { 'ForAnyValue:StringEquals': { 'aws:TagKeys': ['a', 'b'] } }, given: tags('c', 'b'), holds: true, because: 'one is enough' },
    { condition: { 'ForAnyValue:StringEquals': { 'aws:TagKeys': 'a' } }, given: {}, holds: false, because: 'none is not' },
    { condition: { 'ForAnyValue:StringNotEquals': { 'aws:TagKeys': 'a' } }, given: tags('a', 'b'), holds: true, because: 'b is not a' },
    { condition: { 'ForAllValues:StringNotEquals': { 'aws:TagKeys': 'a' } }, given: tags('a', 'b'), holds: false, because: 'a is a' },
  ])('$because', check);
});

describe('variables and wildcards', () => {
  const given = { 'aws:username': ['ann'], 'aws:principaltag/team': ['data*'], 'a:many': ['1', '2'] };
  it.each([
    { pattern: 'home/${aws:username}/*', value: 'home/ann/x', fits: true, because: 'a variable' },
    { pattern: 'home/${aws:username}', value: 'home/${aws:username}', fits: false, because: 'the variable is not itself' },
    { pattern: '${aws:PrincipalTag/team}', value: 'database', fits: false, because: 'a value’s * is no wildcard' },
    { pattern: '${aws:PrincipalTag/team}', value: 'data*', fits: true, because: 'it is a star' },
    { pattern: 'a${*}b', value: 'a*b', fits: true, because: '${*} is a star' },
    { pattern: 'a${*}b', value: 'axb', fits: false, because: 'and nothing else' },
    { pattern: "${aws:userid, 'nobody'}", value: 'nobody', fits: true, because: 'a default' },
    { pattern: '${aws:userid}*', value: 'x', fits: false, because: 'an unknown variable fits nothing' },
    { pattern: '${a:many}', value: '1', fits: false, because: 'a variable with two values fits nothing' },
    { pattern: 'a.c', value: 'abc', fits: false, because: 'a dot is a dot' },
  ])('$pattern, $value: $because', ({ pattern, value, fits }) => expect(matchesGlob(pattern, value, given)).toBe(fits));

  it('keeps ${…} as text in policies of version 2008-10-17', () => expect(matchesGlob('${aws:username}', '${aws:username}')).toBe(true));

  it.each([
    { pattern: 'arn:aws:logs:*', value: 'arn:aws:logs:eu-west-1:111122223333:log-group:airflow-x:*', fits: true, because: 'a short ARN is completed, and a star at the end of a field goes beyond it' },
    { pattern: 'arn:aws:logs:eu-*:111122223333:log-group:*', value: 'arn:aws:logs:us-east-1:111122223333:log-group:x', fits: false, because: 'another region' },
    { pattern: 'arn:aws:iam::1*3:role/x', value: 'arn:aws:iam::1:role/3:role/x', fits: false, because: 'a star inside one of the first fields stays there' },
    { pattern: 'arn:aws:s3:::data/${aws:username}/*', value: 'arn:aws:s3:::data/ann/1', fits: true, because: 'variables; their colon separates nothing' },
    { pattern: 'arn:aws:kms:eu-west-1:111122223333:key/????', value: 'arn:aws:kms:eu-west-1:111122223333:key/abcd', fits: true, because: 'question marks' },
    { pattern: 'arn:aws:logs:*:*:log-stream:x', value: 'arn:aws:logs:eu-west-1:111122223333:log-group:g:log-stream:x', fits: true, because: 'a star at the end of a field goes beyond the colon' },
    { pattern: '*', value: 'anything', fits: true, because: 'all' },
  ])('resource $pattern, $value: $because', ({ pattern, value, fits }) => expect(matchesResource(pattern, value, given)).toBe(fits));

  it.each([
    { pattern: 'arn:aws:iam::111122223333:role/*', value: 'arn:aws:iam::111122223333:role/path/x', fits: true },
    { pattern: 'arn:aws:iam:*', value: 'arn:aws:iam::111122223333:role/x', fits: false },
    { pattern: 'arn:aws:logs:*:*:log-group:a:*', value: 'arn:aws:logs:eu-west-1:1:log-group:a:b', fits: true },
    { pattern: 'role/x', value: 'role/x', fits: false },
  ])('ARN $pattern, $value', ({ pattern, value, fits }) => expect(matchesArn(pattern, value)).toBe(fits));
});
