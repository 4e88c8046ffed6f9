import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureTools } from '../../../scripts/python.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));

/**
 * Runs one Python program of this folder with the tools' interpreter (psycopg2, cryptography): JSON in, JSON out.
 * Database URLs and Fernet keys travel by standard input, so neither the process list nor the environment shows them.
 * @throws Error with the program's stderr
 */
export function runPython<Answer>(program: 'query.py' | 'compare.py' | 'fingerprint.py', order: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = spawn(path.join(ensureTools(), 'python'), ['-B', path.join(here, program)], { stdio: 'pipe' });
    const stdout: Buffer[] = [], stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) return resolve(JSON.parse(Buffer.concat(stdout).toString('utf8')) as Answer);
      reject(new Error(`${program} ended with code ${code}:\n${Buffer.concat(stderr).toString('utf8').slice(-4000)}`));
    });
    // A program that ends before it has read everything tells why on stderr; the broken pipe adds nothing.
    child.stdin.on('error', () => undefined);
    child.stdin.end(JSON.stringify(order));
  });
}
