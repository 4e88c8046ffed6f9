/** Runs foreign-client.py: botocore makes the calls, so that no code of ours stands on both sides of the wire. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureTools } from '../../../scripts/python.mjs';

export type AccessKey = Readonly<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }>;
export type ForeignCall = Readonly<{
  /** botocore's names: s3, sts, iam, kms, logs, mwaa; get_object. */
  service: string; operation: string;
  parameters?: object;
  region?: string;
  key: AccessKey;
  /** Parameters of AssumeRole: the call is made in the session that it gives. */
  assume?: object;
}>;
export type ForeignAnswer = Readonly<{ outcome: string; message: string; answer: Readonly<Record<string, unknown>> }>;

export async function callByBotocore(endpoint: string, calls: readonly ForeignCall[]): Promise<readonly ForeignAnswer[]> {
  const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'foreign-client.py');
  // Keys go through stdin: arguments and environment can be read by other processes.
  const child = spawn(path.join(ensureTools(), 'python'), [script], { stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: process.env.PATH } });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin.end(JSON.stringify({ endpoint, calls }));
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`foreign-client.py ended with code ${String(code)}: ${Buffer.concat(err).toString()}`);
  return JSON.parse(Buffer.concat(out).toString()) as readonly ForeignAnswer[];
}
