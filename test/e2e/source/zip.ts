import { crc32 } from './crc32.js';

/**
 * A ZIP archive without compression and without times: the same files give the same bytes.
 * Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16.
 */
export function storedZip(files: readonly Readonly<{ path: string; body: Buffer }>[]): Buffer {
  const locals: Buffer[] = [], centrals: Buffer[] = [];
  let offset = 0;
  for (const file of files) {
    const name = Buffer.from(file.path, 'utf8');
    const shared = sharedHeader(name, file.body);
    const local = Buffer.concat([Buffer.from('504b0304', 'hex'), shared, name, file.body]);
    // Comment, disk, internal attributes: none. External attributes: a regular file, readable by all (Unix, upper half).
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((0o100644 << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    // "Made by": Unix, so that readers heed the attributes.
    centrals.push(Buffer.concat([Buffer.from('504b01021403', 'hex'), shared, tail, name]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write('504b0506', 0, 'hex');
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

/** From "version needed" to "extra field length", which both headers share. Day 1 of 1980, for a date must be valid. */
function sharedHeader(name: Buffer, body: Buffer): Buffer {
  const header = Buffer.alloc(26);
  header.writeUInt16LE(20, 0);
  header.writeUInt16LE(0x0800, 2); // names are UTF-8
  header.writeUInt16LE(0x21, 8);
  header.writeUInt32LE(crc32(body), 10);
  header.writeUInt32LE(body.length, 14);
  header.writeUInt32LE(body.length, 18);
  header.writeUInt16LE(name.length, 22);
  return header;
}
