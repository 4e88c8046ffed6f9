/** Addresses of our own docs: whoever reads a report has no checkout of this repository. */
import { link, partsOf, type Part, type Text } from './document.js';

/** OWNER is set everywhere by one script; v1 is the tag that users name in their workflows. */
const DOCS = 'https://github.com/OWNER/mwaa-migrate/blob/v1/';

/**
 * @param path in this repository: "docs/how-to/roll-back.md"
 * @param anchor of a heading there; undefined: the whole page
 */
export const docsLink = (path: `docs/${string}`, anchor?: string): Part => link(path, `${DOCS}${path}${anchor === undefined ? '' : `#${anchor}`}`);

const PATH = /(docs\/(?:examples|explanation|how-to|iam|reference|tutorial)\/[a-z0-9-]+(?:\.schema)?\.(?:md|yml|yaml|json))/u;

/** Our own sentences with every path of the docs in them as a link; what came from outside is left as it is. */
export const withDocs = (value: Text): readonly Part[] =>
  partsOf(value).flatMap((part) => (typeof part === 'string' && part.includes('docs/') ? part.split(PATH).flatMap((piece, at) => (at % 2 === 1 ? docsLink(piece as `docs/${string}`) : piece === '' ? [] : piece)) : part));
