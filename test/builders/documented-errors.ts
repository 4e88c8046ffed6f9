/** docs/reference/errors.md as data: what a reader can look up. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const file = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../docs/reference/errors.md');
const firstColumn = (heading: 'Begins with' | 'Code'): readonly string[] => {
  const found: string[] = [];
  let isInside = false;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line.startsWith(`| ${heading} |`)) isInside = true;
    else if (!line.startsWith('|')) isInside = false;
    else if (isInside && !line.startsWith('| ---')) found.push(...[...(line.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/gu)].map(([, text = '']) => text));
  }
  return found;
};

/** Beginnings of messages; `…` stands for what differs. */
export const documentedBeginnings = (): readonly string[] => firstColumn('Begins with');
/** Codes of refusals inside Airflow. */
export const documentedCodes = (): readonly string[] => firstColumn('Code');

/** Whether a reader finds this message by its first words. */
export const isDocumented = (message: string): boolean =>
  documentedBeginnings().some((beginning) => new RegExp(`^${beginning.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`)).join('[^]+?')}`, 'u').test(message));
