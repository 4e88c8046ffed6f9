/** What Airflow's own programs wrote, searched for exceptions. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { RunningEnvironment } from '../../sandbox/environments/contract.js';

/** The exceptions in the scheduler's and the triggerer's output: three lines before each, its stack, and the line that names it. */
export function exceptionsIn({ airflowHome, settings }: Pick<RunningEnvironment, 'airflowHome' | 'settings'>): readonly string[] {
  return ['scheduler', 'triggerer'].flatMap((name) => {
    const file = path.join(airflowHome, 'components', `${name}.txt`);
    if (!existsSync(file)) throw new Error(`${settings.name} has no log of its ${name}: ${file}`);
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.flatMap((line, at) => {
      if (!line.startsWith('Traceback (most recent call last)')) return [];
      const end = lines.findIndex((other, index) => index > at && !/^\s/u.test(other));
      return [`${settings.name} ${name}:\n${lines.slice(Math.max(0, at - 3), end + 1).join('\n')}`];
    });
  });
}
