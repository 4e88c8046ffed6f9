/** requirements.txt and what it includes, line by line, with the places of MWAA's image replaced by ours. */
import path from 'node:path';
import { packageName } from '../airflow/pins.js';

export type RequirementLine = Readonly<{
  /** From the root of the repository. */
  file: string;
  line: number;
  /** As uv gets it; continued lines are one. */
  text: string;
  /** undefined: an address or a path. */
  name: string | undefined;
}>;

export type RequirementLines = Readonly<{
  packages: readonly RequirementLine[];
  /** --find-links, --extra-index-url and the like. */
  options: readonly RequirementLine[];
  /** The user's own constraints; `address` is a path or a URL. Airflow's own are `isAirflows`: of another version they would be wrong. */
  constraints: readonly Readonly<{ at: RequirementLine; address: string; isAirflows: boolean }>[];
  /** Includes that are not in the repository. */
  missing: readonly Readonly<{ at: RequirementLine; address: string }>[];
  hasHashes: boolean;
}>;

/** Where MWAA's image has them: /usr/local/airflow/dags, /usr/local/airflow/plugins. */
export type ImagePlaces = Readonly<{ dags: string; plugins: string }>;

const AIRFLOWS = /\/apache\/airflow\/constraints-|airflow\.apache\.org\/constraints/u;
const MAX_INCLUDES = 50;

/** @param read text of a file of the repository; undefined: it is not there @param dags DAG folder from the root of the repository */
export async function readRequirementLines(name: string, read: (name: string) => Promise<string | undefined>, places: ImagePlaces, dags: string, plugins: string | undefined): Promise<RequirementLines> {
  const packages: RequirementLine[] = [], options: RequirementLine[] = [], constraints: RequirementLines['constraints'][number][] = [], missing: RequirementLines['missing'][number][] = [];
  let hasHashes = false;
  const seen = new Set<string>();
  const walk = async (file: string): Promise<boolean> => {
    if (seen.has(file) || seen.size >= MAX_INCLUDES) return true;
    seen.add(file);
    const text = await read(file);
    if (text === undefined) return false;
    for (const { line, content } of logicalLines(text)) {
      const at = { file, line, text: inOurPlaces(content, places), name: undefined };
      const option = /^(--?[A-Za-z][\w-]*)(?:\s*=\s*|\s+|$)(.*)$/u.exec(content);
      const value = (option?.[2] ?? '').trim().replace(/^["']|["']$/gu, '');
      switch (option?.[1]) {
        case undefined: {
          hasHashes ||= /\s--hash[=\s]/u.test(content);
          const found = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[|[=<>!~;@(]|$|\s)/u.exec(content);
          packages.push({ ...at, name: found?.[1] === undefined || /^[./]|:\/\//u.test(content.split(/\s@\s/u)[0] ?? '') ? undefined : packageName(found[1]) });
          break;
        }
        case '-r': case '--requirement': {
          const next = repositoryPath(value, file, dags, plugins);
          if (next === undefined || !(await walk(next))) missing.push({ at, address: value });
          break;
        }
        case '-c': case '--constraint': {
          const isUrl = /^[a-z]+:\/\//u.test(value);
          const own = isUrl ? undefined : repositoryPath(value, file, dags, plugins);
          if (AIRFLOWS.test(value)) constraints.push({ at, address: value, isAirflows: true });
          else if (isUrl) constraints.push({ at, address: value, isAirflows: false });
          else if (own !== undefined && (await read(own)) !== undefined) constraints.push({ at, address: own, isAirflows: false });
          else missing.push({ at, address: value });
          break;
        }
        case '-e': case '--editable':
          packages.push(at);
          break;
        default:
          options.push(at);
      }
    }
    return true;
  };
  await walk(name);
  return { packages, options, constraints, missing, hasHashes };
}

/** Without comments and blank lines; a line that goes on after "\" counts where it begins. */
function logicalLines(text: string): readonly Readonly<{ line: number; content: string }>[] {
  const result: { line: number; content: string }[] = [];
  let open: { line: number; content: string } | undefined;
  text.split(/\r?\n/u).forEach((raw, at) => {
    const isContinued = /\\$/u.test(raw);
    const piece = isContinued ? raw.slice(0, -1) : raw;
    open = open === undefined ? { line: at + 1, content: piece } : { line: open.line, content: `${open.content} ${piece.trim()}` };
    if (isContinued) return;
    const content = open.content.replace(/(^|\s)#.*$/u, '').trim();
    // pip takes a short option's value without a blank, "-rmore.txt"; uv gets it with one.
    if (content !== '') result.push({ line: open.line, content: content.replace(/^(-[A-Za-z])(?=[^\s=])/u, '$1 ') });
    open = undefined;
  });
  return result;
}

/** Where a file that the image would read lies in the repository; undefined: it cannot be there. */
function repositoryPath(address: string, from: string, dags: string, plugins: string | undefined): string | undefined {
  const image = /^\/usr\/local\/airflow\/(dags|plugins)(?:\/(.*))?$/u.exec(address);
  const folder = image?.[1] === 'dags' ? dags : plugins;
  const wanted = image ? folder && path.posix.join(folder, image[2] ?? '') : address.startsWith('/') ? undefined : path.posix.join(path.posix.dirname(from), address);
  return wanted === undefined || wanted.startsWith('../') ? undefined : wanted;
}

const inOurPlaces = (content: string, { dags, plugins }: ImagePlaces): string =>
  content.replace(/\/usr\/local\/airflow\/(dags|plugins)(?=[/"'\s]|$)/gu, (_, kind: string) => (kind === 'dags' ? dags : plugins));
