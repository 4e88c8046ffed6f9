/** As much of GitHub's expressions as the name of an environment needs: https://docs.github.com/actions/reference/workflows-and-actions/expressions */

type Value = string | boolean;

/**
 * Text with `${{ }}` filled in.
 * @param given by full name, e.g. `inputs.gate`
 * @throws Error for whatever else an expression may hold: half an understanding would let a job into the wrong environment
 */
export const evaluate = (text: string, given: Readonly<Record<string, string>>): string =>
  text.replace(/\$\{\{(.*?)\}\}/gsu, (_, expression: string) => String(valueOf(expression, given)));

function valueOf(expression: string, given: Readonly<Record<string, string>>): Value {
  const words = expression.match(/'(?:[^']|'')*'|&&|\|\||[!=]=|[()!]|[\w.-]+|\S/gu) ?? [];
  const next = (): string => words.shift() ?? '';
  const single = (): Value => {
    const word = next();
    if (word === '!') return !isTrue(single());
    if (word === '(') {
      const inner = either();
      if (next() !== ')') throw unknown(expression);
      return inner;
    }
    if (word.startsWith("'")) return word.slice(1, -1).replaceAll("''", "'");
    if (word === 'true' || word === 'false') return word === 'true';
    // A context has no error for a name that it does not hold.
    if (/^(?:inputs|vars|github|matrix)\.[\w.-]+$/u.test(word)) return given[word] ?? '';
    throw unknown(expression);
  };
  const compared = (): Value => {
    const left = single();
    if (words[0] !== '==' && words[0] !== '!=') return left;
    const isEqual = next() === '==';
    // Strings are compared without regard to case.
    return (String(left).toLowerCase() === String(single()).toLowerCase()) === isEqual;
  };
  const both = (): Value => {
    let left = compared();
    while (words[0] === '&&') { next(); const right = compared(); left = isTrue(left) ? right : left; }
    return left;
  };
  const either = (): Value => {
    let left = both();
    while (words[0] === '||') { next(); const right = both(); left = isTrue(left) ? left : right; }
    return left;
  };
  const value = either();
  if (words.length > 0) throw unknown(expression);
  return value;
}

/** An input of type boolean arrives as text here. */
const isTrue = (value: Value): boolean => value !== false && value !== '' && value !== 'false';
const unknown = (expression: string): Error => new Error(`The stand-in cannot evaluate \${{${expression}}}: extend test/sandbox/act/expression.ts.`);
