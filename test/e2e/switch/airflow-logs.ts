/** What Airflow's own programs wrote, searched for exceptions. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { RunningEnvironment } from '../../sandbox/environments/contract.js';

/** The exceptions in the scheduler's and the triggerer's output, each with the lines around its first. */
export function exceptionsIn({ airflowHome, settings }: Pick<RunningEnvironment, 'airflowHome' | 'settings'>): readonly string[] {
  return ['scheduler', 'triggerer'].flatMap((name) => {
    const file = path.join(airflowHome, 'components', `${name}.txt`);
    if (!existsSync(file)) throw new Error(`${settings.name} has no log of its ${name}: ${file}`);
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.flatMap((line, at) => (line.startsWith('Traceback (most recent call last)') ? [`${settings.name} ${name}:\n${lines.slice(Math.max(0, at - 3), at + 30).join('\n')}`] : []));
  });
}
