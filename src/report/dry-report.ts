import { code, list, text, type Report } from './document.js';

/** The shape of every dry run that has no richer report of its own. */
export type DryFacts = Readonly<{ verdict: string; would: readonly string[]; names?: Readonly<{ title: string; items: readonly string[] }> | undefined; next: string }>;

export function dryReport({ verdict, would, names, next }: DryFacts): Report {
  return {
    verdict, isGood: true,
    sections: [
      { title: 'It would', importance: 1, blocks: [list(would), text('Nothing was changed.')] },
      ...(names && names.items.length > 0 ? [{ title: `${names.title} (${names.items.length})`, importance: 2 as const, isFolded: true, blocks: [list(names.items.map((name) => code(name)))] }] : []),
    ],
    next: [next],
  };
}
