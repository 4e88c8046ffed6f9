/** Addresses of our own docs: whoever reads a report has no checkout of this repository. */
import { link, type Part } from './document.js';

/** OWNER is set everywhere by one script; v1 is the tag that users name in their workflows. */
const DOCS = 'https://github.com/OWNER/mwaa-migrate/blob/v1/docs/';

/** @param path below docs/, with an anchor where there is one: "how-to/roll-back.md" */
export const docsLink = (path: string, said = `docs/${path}`): Part => link(said, `${DOCS}${path}`);
