/** What naive CSV, COPY text, SQL, JSON and HTML handling breaks on: line ends, quotes, NULL markers, escapes, non-ASCII. */
export const HOSTILE = 'first\r\nsecond\n"double" \'single\' `back` \\N\n\\.\n\\r \\x41 a,b;c\td %s $1 <b>&amp;</b> ünï © 漢字 🦊';

/** The same in few characters, for columns of 20 to 32. */
export const HOSTILE_SHORT = 'é\r\n"\'\\N\n\\.\n,\t';
