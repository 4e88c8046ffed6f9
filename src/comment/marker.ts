/** The first line of our comment: by it the next run finds the comment again. Nobody sees it, and no value can forge it. Pure. */

export type Marker = Readonly<{
  /** The migration's id: each has one comment. */
  id: string;
  /** Digest of the plan; undefined: the phase failed before there was one. */
  plan: string | undefined;
  /** What the comment is about, and who wrote it; these change with every run. */
  commit: string | undefined;
  run: string | undefined;
  /** Version of mwaa-migrate. */
  tool: string;
}>;

const LINE = /^<!-- mwaa-migration:v1 (\{.*\}) -->$/u;

/** A comment of HTML ends at "--" and ">" (https://html.spec.whatwg.org/#comments), so neither stands in it, whatever an id is called. */
export const writeMarker = (marker: Marker): string =>
  `<!-- mwaa-migration:v1 ${JSON.stringify(marker).replace(/[<>&\u007f-\uffff]|--/gu, (found) => found.replace(/./gsu, escaped))} -->`;

const escaped = (character: string): string => [...Array(character.length).keys()].map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');

/** @param body of a comment; undefined: it is none of ours, or of a later format */
export function readMarker(body: string): Pick<Marker, 'id' | 'plan'> | undefined {
  const [, json] = LINE.exec(linesOf(body)[0] ?? '') ?? [];
  if (json === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value !== 'object' || value === null || !('id' in value) || typeof value.id !== 'string') return undefined;
    return { id: value.id, plan: 'plan' in value && typeof value.plan === 'string' ? value.plan : undefined };
  } catch {
    // Looks like a marker and is none: somebody wrote it by hand.
    return undefined;
  }
}

/**
 * Whether a reader would learn nothing new. The first line (marker) and the last (of which run it is) change with every run and are
 * left out, but for the plan's digest. A comment that somebody edited is not the same.
 */
export function isSameContent(before: string, after: string): boolean {
  return readMarker(before)?.plan === readMarker(after)?.plan && content(before) === content(after);
}

const content = (body: string): string => linesOf(body).slice(1, -1).join('\n');
/** GitHub's web editor turns line ends into CRLF. */
const linesOf = (body: string): readonly string[] => body.trimEnd().split(/\r?\n/u);
