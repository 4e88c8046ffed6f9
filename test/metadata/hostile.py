"""Values that break readers and writers of rows: texts, bytes, pickles. Written out here; nothing of the product makes them."""

import pickle

#: Quotes of every kind, line ends, what PostgreSQL's COPY and the csv module give a meaning, format strings.
QUOTING = "a\r\nb \"quoted\" ''single'' `back` \\N \\. \\\\ \\x41 \\u0041 , ; \t | %s %(x)s {} {{x}} $$ $1 -- /* */"
#: A line that is nothing but COPY's end of data, between two line ends of each kind.
END_OF_DATA = 'first\n\\.\nsecond\r\\.\r\nthird,"'
#: Composed and decomposed, right to left, beyond the basic plane, zero width, byte order mark, line separator, non-characters.
UNICODE = "\u00e9 e\u0301 \u202eabc\u202c \u6f22\u5b57 \U0001f680 \U0010ffff z\u200dw \ufeff\u2028\u2029\u0085\ufffe\u00a0\u0001\u007f"
BLANKS = "  \t\n "
HOSTILE = QUOTING + END_OF_DATA + UNICODE
#: Texts that a reader may take for NULL, a number, a header or a formula.
LOOKALIKES = ("", "\\N", "NULL", "null", "None", "nan", "0", '""', "=1+1", BLANKS, QUOTING, END_OF_DATA, UNICODE)
ALL_BYTES = bytes(range(256)) * 2
#: 250 characters, what Airflow allows an id; what follows tells one from another.
LONG = "long_" + "i" * 245


def long_id(end):
    """An id of 250 characters that ends so."""
    return LONG[: 250 - len(end)] + end


def pickled(value, protocol=2):
    """As Airflow 1.10 on Python 3.7 and later ones wrote it; 2 is also what Python 2 could write."""
    return pickle.dumps(value, protocol=protocol)


#: An object of a module that no target has: only who never unpickles it can carry it.
FOREIGN_OBJECT = (
    b"\x80\x02cteam_plugins.configs\nExecutorConfig\nq\x00)\x81q\x01}q\x02X\x05\x00\x00\x00imageq\x03X\x03\x00\x00\x00x:1q\x04sb."
)
EMPTY_PICKLE = b"\x80\x04}\x94."
