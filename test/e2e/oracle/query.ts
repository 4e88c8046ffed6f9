import { runPython } from './python.js';

export type Cell = string | number | boolean | null;

/** SQLAlchemy writes its driver into the scheme; libpq knows only `postgresql`. */
export const libpqUrl = (url: string): string => url.replace(/^postgres(ql)?(\+\w+)?:/, 'postgresql:');

/**
 * Rows of one SQL text; several statements run in one transaction, and the last one's rows count.
 * @param parameters `%(name)s` in the text stands for one; a lone `%` is written `%%` when there are any
 */
export function query<Row extends readonly Cell[]>(url: string, sql: string, parameters?: Readonly<Record<string, Cell>>): Promise<readonly Row[]> {
  return runPython<Row[]>('query.py', { url: libpqUrl(url), sql, parameters: parameters ?? null });
}
