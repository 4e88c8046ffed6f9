/** Something a person has to know; a blocker must be repaired before anything is changed. `code` is stable (docs/reference/errors.md). */
export type Finding = Readonly<{ code: string; what: string; why: string; fix: string }>;

export const finding = (code: string, what: string, why: string, fix: string): Finding => ({ code, what, why, fix });
