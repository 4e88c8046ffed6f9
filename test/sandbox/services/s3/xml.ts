/** S3's XML: written by hand so that hostile keys survive it, read by fast-xml-parser after a check that it is well-formed. */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { AwsError } from '../../front/contract.js';

export type XmlValue = string | number | boolean | Date | undefined | XmlRecord | readonly XmlValue[];
export interface XmlRecord { readonly [name: string]: XmlValue }

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** A document with `root` as its element. An array becomes repeated elements; undefined is left out; a date is ISO 8601 in UTC. */
export const xmlDocument = (root: string, value: XmlRecord): string => `${DECLARATION}<${root} xmlns="${NAMESPACE}">${children(value)}</${root}>`;

/** Errors stand in no namespace. */
export const xmlError = (value: XmlRecord): string => `${DECLARATION}<Error>${children(value)}</Error>`;

function children(record: XmlRecord): string {
  return Object.entries(record).map(([name, value]) => element(name, value)).join('');
}

function element(name: string, value: XmlValue): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return (value as readonly XmlValue[]).map((item) => element(name, item)).join('');
  if (value instanceof Date) return `<${name}>${value.toISOString()}</${name}>`;
  if (typeof value === 'object') return `<${name}>${children(value as XmlRecord)}</${name}>`;
  return `<${name}>${escapeText(String(value))}</${name}>`;
}

/** Control characters as references: XML 1.0 forbids most of them, S3 sends them all the same, which is why clients ask for encoding-type=url. */
function escapeText(text: string): string {
  // eslint-disable-next-line no-control-regex -- keys may hold them
  return text.replace(/[&<>"\u0000-\u001f]/gu, (character) => {
    switch (character) {
      case '&': return '&amp;';
      case '<': return '&lt;';
      case '>': return '&gt;';
      case '"': return '&quot;';
      default: return `&#x${character.charCodeAt(0).toString(16)};`;
    }
  });
}

/** One element of a request body: its text, and its children by name. */
export class XmlNode {
  constructor(private readonly value: unknown) {}
  /** @returns undefined when there is no such child */
  child(name: string): XmlNode | undefined {
    return this.list(name)[0];
  }
  list(name: string): readonly XmlNode[] {
    if (typeof this.value !== 'object' || this.value === null) return [];
    const found = (this.value as Record<string, unknown>)[name];
    if (found === undefined) return [];
    return (Array.isArray(found) ? found : [found]).map((item) => new XmlNode(item));
  }
  text(name: string): string | undefined {
    const child = this.child(name);
    return child === undefined ? undefined : child.ownText;
  }
  get ownText(): string {
    if (typeof this.value === 'object' && this.value !== null) return String((this.value as Record<string, unknown>)['#text'] ?? '');
    return String(this.value ?? '');
  }
  get names(): readonly string[] {
    return typeof this.value === 'object' && this.value !== null ? Object.keys(this.value).filter((name) => name !== '#text') : [];
  }
}

/** @throws AwsError MalformedXML when the body is no XML or has another root element */
export function parseXml(body: Buffer, root: string): XmlNode {
  const text = body.toString('utf8');
  // eslint-disable-next-line no-control-regex -- XML 1.0 has no place for them, and S3 refuses them; a key that holds one is deleted by DeleteObject
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/u.test(text) || XMLValidator.validate(text) !== true) throw malformedXml();
  const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, trimValues: false, removeNSPrefix: true, ignoreDeclaration: true, htmlEntities: true });
  const document: unknown = parser.parse(text);
  const node = new XmlNode(document).child(root);
  if (node === undefined) throw malformedXml();
  return node;
}

export function malformedXml(): AwsError {
  return new AwsError('MalformedXML', 'The XML you provided was not well-formed or did not validate against our published schema', 400);
}
