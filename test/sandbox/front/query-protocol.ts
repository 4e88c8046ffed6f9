/** AWS's query protocol (STS, IAM): a form in, XML out. Source: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html */
import { XMLBuilder } from 'fast-xml-parser';
import { AwsError, type FrontRequest, type FrontResponse } from './contract.js';

/** The form's parameters; from the query when the call is a GET. */
export function formOf(request: Pick<FrontRequest, 'method' | 'body' | 'rawQuery'>): URLSearchParams {
  return new URLSearchParams(request.method === 'GET' ? request.rawQuery : request.body.toString('utf8'));
}

/** `Name.member.1`, `Name.member.2`, … @param field of a structure in the list, e.g. `Name.member.1.Key` */
export function membersOf(form: URLSearchParams, name: string, field?: string): readonly string[] {
  const values: string[] = [];
  for (;;) {
    const value = form.get(`${name}.member.${values.length + 1}${field ? `.${field}` : ''}`);
    if (value === null) return values;
    values.push(value);
  }
}

/** @throws AwsError ValidationError */
export function required(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (value === null || value === '') {
    const member = name.charAt(0).toLowerCase() + name.slice(1);
    throw new AwsError('ValidationError', `1 validation error detected: Value null at '${member}' failed to satisfy constraint: Member must not be null`, 400);
  }
  return value;
}

/** A list becomes `<member>` elements, undefined leaves the element out. */
export type XmlValue = string | number | boolean | Date | undefined | readonly XmlValue[] | Readonly<{ [name: string]: XmlValue }>;

export function queryAnswer(action: string, namespace: string, result: XmlValue, requestId: string): FrontResponse {
  const content = { [`${action}Result`]: plain(result), ResponseMetadata: { RequestId: requestId } };
  return xml(200, { [`${action}Response`]: { '@xmlns': namespace, ...content } });
}

export function queryError(error: AwsError, namespace: string, requestId: string): FrontResponse {
  const type = error.status >= 500 ? 'Receiver' : 'Sender';
  return xml(error.status, { ErrorResponse: { '@xmlns': namespace, Error: { Type: type, Code: error.code, Message: error.message }, RequestId: requestId } });
}

function xml(status: number, document: unknown): FrontResponse {
  const builder = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: '@' });
  return { status, headers: { 'content-type': 'text/xml' }, body: builder.build(document) as string };
}

function plain(value: XmlValue): unknown {
  if (value instanceof Date) return value.toISOString().replace(/\.\d{3}Z$/u, 'Z');
  if (Array.isArray(value)) return { member: value.map(plain) };
  if (typeof value === 'object') return Object.fromEntries(Object.entries(value).flatMap(([name, one]) => (one === undefined ? [] : [[name, plain(one)]])));
  return value;
}
