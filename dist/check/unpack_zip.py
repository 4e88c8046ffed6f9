"""Unpack plugins.zip as MWAA does, within limits: ``python unpack_zip.py FILE FOLDER``. Ends with a sentence and status 1."""

import sys
import zipfile

MAX_FILES, MAX_BYTES = 20_000, 2 * 1024**3


def main(file, folder):
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            size = sum(entry.file_size for entry in entries)
            if len(entries) > MAX_FILES or size > MAX_BYTES:
                sys.exit(f"it has {len(entries)} files and {size} bytes; more than {MAX_FILES} files or {MAX_BYTES} bytes are not unpacked")
            # zipfile takes ".." and absolute paths out of names, makes no links, and stops at the size that the directory says.
            archive.extractall(folder)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
