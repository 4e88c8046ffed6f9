/** Bytes of objects and parts, one file each below one folder, so that memory stays flat whatever is stored. */
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

export type Blob = Readonly<{ file: string; bytes: number }>;
export type Blobs = Awaited<ReturnType<typeof openBlobs>>;

/** @param folder made when it is missing; without one a temporary folder is used, which `close` removes */
export async function openBlobs(folder?: string) {
  const root = folder ?? await mkdtemp(path.join(os.tmpdir(), 'sandbox-s3-'));
  await mkdir(root, { recursive: true });
  let next = 0;
  /** A copy shares its source's file: how many objects stand on each. */
  const holders = new Map<string, number>();

  return {
    root,
    /** @throws Error ENOSPC and the like, unchanged */
    async write(bytes: Buffer): Promise<Blob> {
      const file = path.join(root, `${(next += 1)}.bin`);
      try {
        await writeFile(file, bytes, { flag: 'wx', mode: 0o600 });
      } catch (error) {
        await rm(file, { force: true });
        throw error;
      }
      holders.set(file, 1);
      return { file, bytes: bytes.length };
    },
    keep(blobs: readonly Blob[]): void {
      for (const { file } of blobs) holders.set(file, (holders.get(file) ?? 0) + 1);
    },
    async release(blobs: readonly Blob[]): Promise<void> {
      for (const { file } of blobs) {
        const left = (holders.get(file) ?? 1) - 1;
        if (left > 0) holders.set(file, left);
        else {
          holders.delete(file);
          await rm(file, { force: true });
        }
      }
    },
    /** Bytes start … end (exclusive) of the blobs laid end to end. */
    async read(blobs: readonly Blob[], start: number, end: number): Promise<Buffer> {
      const result = Buffer.allocUnsafe(Math.max(0, end - start));
      let offset = 0, written = 0;
      for (const { file, bytes } of blobs) {
        const from = Math.max(start - offset, 0), to = Math.min(end - offset, bytes);
        if (to > from) {
          const handle = await open(file, 'r');
          try {
            written += (await handle.read(result, written, to - from, from)).bytesRead;
          } finally {
            await handle.close();
          }
        }
        offset += bytes;
      }
      if (written !== result.length) throw new Error(`the store lost bytes: ${written} of ${result.length} were there`);
      return result;
    },
    /** The whole content in pieces of at most 8 MiB. */
    async *stream(blobs: readonly Blob[]): AsyncGenerator<Buffer> {
      const total = blobs.reduce((sum, { bytes }) => sum + bytes, 0), step = 8 * 1024 * 1024;
      for (let start = 0; start < total; start += step) yield await this.read(blobs, start, Math.min(total, start + step));
    },
    async close(): Promise<void> {
      if (folder === undefined) await rm(root, { recursive: true, force: true });
    },
  };
}
