/** A report as data; markdown.ts and html.ts write it. Nothing in it is markup: every text is escaped by the writer. */

/**
 * A plain string is our own sentence. `code` is anything that came from Airflow, AWS or the user. `link` is our own sentence too, and `to`
 * an address of ours: of the docs (docs-link.ts) or of the workflow run; what is no plain https address is shown without a link.
 */
export type Part = string | Readonly<{ code: string }> | Readonly<{ link: string; to: string }>;
export type Text = Part | readonly Part[];
export type Cell = Text | number | undefined;

export type Block =
  | Readonly<{ kind: 'text'; text: Text }>
  | Readonly<{ kind: 'list'; items: readonly Text[] }>
  /** Shown letter by letter, to be copied. `language` is one of ours: diff, hcl, sh, yaml. */
  | Readonly<{ kind: 'listing'; language: 'diff' | 'hcl' | 'sh' | 'yaml'; text: string }>
  | Readonly<{ kind: 'table'; head: readonly string[]; rows: readonly (readonly Cell[])[] }>
  | Readonly<{ kind: 'timeline'; title: string; groups: readonly Readonly<{ title: string; spans: readonly Span[] }>[] }>;

/**
 * What took a while, or happened at one moment (`to` is undefined). `label` is one of our own texts, never a name from outside: both
 * writers hand it on to a drawing. Dates are ISO 8601 UTC.
 */
export type Span = Readonly<{ label: string; from: string; to: string | undefined; look: 'done' | 'open' | 'pause' | 'bad' }>;

export type Section = Readonly<{
  title: string;
  /** 1 is never dropped; the highest number goes first when a report is too long. */
  importance: 1 | 2 | 3;
  /** Folded: a long list that few people read. */
  isFolded?: boolean;
  blocks: readonly Block[];
}>;

export type Report = Readonly<{
  /** First line: what happened, with numbers. */
  verdict: Text;
  isGood: boolean;
  /** Nothing is wrong, but nobody should take it for the end: both sides stand still, or a person has to decide. */
  needsCare?: boolean;
  sections: readonly Section[];
  /** What to do next, in order. */
  next: readonly Text[];
  /** Whoever reads it has to act: what to do comes before what happened. */
  isNextFirst?: boolean;
}>;

/** Sign before the verdict; also the name of its colour. */
export const signOf = ({ isGood, needsCare }: Pick<Report, 'isGood' | 'needsCare'>): Readonly<{ sign: string; name: 'good' | 'care' | 'bad' }> =>
  !isGood ? { sign: '❌', name: 'bad' } : needsCare ? { sign: '⚠️', name: 'care' } : { sign: '✅', name: 'good' };

export const code = (text: string): Part => ({ code: text });
export const link = (said: string, to: string): Part => ({ link: said, to });
export const text = (...parts: readonly Part[]): Block => ({ kind: 'text', text: parts });
export const list = (items: readonly Text[]): Block => ({ kind: 'list', items });
export const listing = (language: 'diff' | 'hcl' | 'sh' | 'yaml', content: string): Block => ({ kind: 'listing', language, text: content });
export const table = (head: readonly string[], rows: readonly (readonly Cell[])[]): Block => ({ kind: 'table', head, rows });
export const partsOf = (value: Text): readonly Part[] => (Array.isArray(value) ? (value as readonly Part[]) : [value as Part]);

/** Only these become a link: no quote, bracket, blank or entity could end it early in Markdown or HTML. */
export const isPlainAddress = (to: string): boolean => /^https:\/\/[A-Za-z0-9][A-Za-z0-9.:-]*\/[A-Za-z0-9/._~#?=%-]*$/u.test(to);

/** 1234567 → "1,234,567". Not toLocaleString: a report must not depend on the runner's language. */
export const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');

/** "1 table", "2 tables" */
export const counted = (count: number, noun: string, plural = `${noun}s`): string => `${grouped(count)} ${count === 1 ? noun : plural}`;

/** What is not seen, or turns the direction of text, would let a name look like another; as words it does nothing. Lone surrogates are no text at all. */
export const visible = (value: string): string =>
  value.replace(/[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (mark) => `[U+${(mark.codePointAt(0) ?? 0).toString(16).toUpperCase()}]`);
