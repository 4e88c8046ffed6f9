/**
 * IAM's wildcards, for telling what a policy is about. Not an evaluation: a variable counts as any value. Linear in pattern × text, for a
 * policy's author is not trusted with our time.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */

/** Where the last of an ARN's six fields begins: before it a wildcard stays within its own field. 0: no ARN, or one that ends before. */
function fieldsOf(pattern: string): number {
  const head = /^arn:(?:[^:]*:){4}/u.exec(pattern);
  return head ? head[0].length : 0;
}

/** Every `${…}` is somebody else's value. `${*}`, `${?}` and `${$}` stand for the character; as "anything" they match it too. */
const withoutVariables = (pattern: string): string => pattern.replace(/\$\{[^}]*\}/gu, '*');

const NOWHERE: ReadonlySet<number> = new Set();

/** Places in the pattern that `text` can have led to. */
function placesAfter(pattern: string, text: string): ReadonlySet<number> {
  // Nearly every pattern of an account is about something else, and says so before its first wildcard.
  const literal = pattern.slice(0, pattern.search(/[*?]|$/u));
  if (!text.startsWith(literal.slice(0, text.length))) return NOWHERE;
  const skipStars = (places: Iterable<number>): Set<number> => {
    const all = new Set<number>();
    for (let place of places) {
      all.add(place);
      while (pattern[place] === '*') all.add(++place);
    }
    return all;
  };
  const staysInField = fieldsOf(pattern);
  let places = skipStars([0]);
  for (const char of text) {
    const next = new Set<number>();
    for (const place of places) {
      const wanted = pattern[place];
      const isWild = (wanted === '*' || wanted === '?') && !(char === ':' && place < staysInField);
      if (wanted === '*' && isWild) next.add(place);
      else if (isWild || (wanted === char && wanted !== '*')) next.add(place + 1);
    }
    if (next.size === 0) return next;
    places = skipStars(next);
  }
  return places;
}

/** Whether the pattern matches exactly this text. */
export function matches(pattern: string, text: string): boolean {
  const plain = withoutVariables(pattern);
  return placesAfter(plain, text).has(plain.length);
}

/** Whether the pattern matches any text that begins so. */
export const reaches = (pattern: string, beginning: string): boolean => placesAfter(withoutVariables(pattern), beginning).size > 0;

/** Actions are compared without regard to case. */
export const matchesAction = (pattern: string, action: string): boolean => matches(pattern.toLowerCase(), action.toLowerCase());
