"""Text that breaks naive CSV, SQL and JSON handling; used by the workflows beside it."""

HOSTILE = "first\r\nsecond\n\"double\" 'single' `back` \\N\n\\.\n\\r \\x41 a,b;c\td {{ ds }} %s $1 <b>&amp;</b> ünï © 漢字 🦊"
