/** Python's own last word of a traceback, for a message. Pure. */
export const lastLine = (text: string): string => (text.trim().split('\n').at(-1) ?? '').replace(/\p{Cc}/gu, ' ').slice(0, 500);
