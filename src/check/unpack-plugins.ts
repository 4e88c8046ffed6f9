/** plugins.zip into the plugins folder, as MWAA does it. */
import path from 'node:path';
import type { CheckFinding } from './check-report.js';
import type { Environment } from './child-environment.js';
import { lastLine } from './last-line.js';
import type { Seal } from './seal.js';

export type Unpacking = Readonly<{ run: Seal['run']; python: string; scripts: string; env: Environment; folder: string }>;

/** @returns what is wrong with the file, if anything */
export async function unpackPlugins(zip: string, to: string, { python, scripts, env, folder, run }: Unpacking): Promise<readonly CheckFinding[]> {
  const result = await run({ command: python, args: ['-B', path.join(scripts, 'unpack_zip.py'), zip, to], env, folder, writable: [to], shown: [zip], timeoutSeconds: 120 });
  if (result.code === 0) return [];
  const name = path.basename(zip);
  return [{ code: 'plugins-zip', level: 'error', file: name, line: undefined, dagId: undefined, what: `${name} cannot be unpacked: ${lastLine(result.stderr)}`, why: 'MWAA unpacks it into the plugins folder; without it DAGs that need it do not load.', fix: 'make it anew: (cd plugins && zip -r ../plugins.zip .)', replacement: undefined }];
}
