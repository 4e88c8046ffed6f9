/** The command that a summary shows to whoever approves, run by a real shell with a gh that only tells its arguments. */
import { execFileSync } from 'node:child_process';

export type StartCommand = Readonly<{ workflow: string; repository: string | undefined; inputs: Readonly<Record<string, string>> }>;

/** @throws Error when the summary shows not exactly one such command, or gh would not take it */
export function startCommandIn(summary: string): StartCommand {
  const listings = [...summary.matchAll(/^```sh\n([\s\S]*?)^```$/gmu)].map(([, text = '']) => text).filter((text) => text.includes('gh workflow run'));
  if (listings.length !== 1) throw new Error(`The summary shows ${listings.length} commands that start a workflow.`);
  const told = execFileSync('bash', ['--norc', '--noprofile', '-euc', `gh() { printf '%s\\0' "$@"; }\n${listings[0] ?? ''}`], { encoding: 'utf8', env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
  const [workflowWord, runWord, workflow = '', ...flags] = told.split('\0').slice(0, -1);
  const pairs = flags.flatMap((flag, at) => (at % 2 === 0 ? [[flag, flags[at + 1] ?? ''] as const] : []));
  if (workflowWord !== 'workflow' || runWord !== 'run' || pairs.some(([flag]) => flag !== '-f' && flag !== '--repo')) throw new Error(`gh would not take: ${JSON.stringify([workflowWord, runWord, workflow, ...flags])}`);
  return {
    workflow, repository: pairs.find(([flag]) => flag === '--repo')?.[1],
    inputs: Object.fromEntries(pairs.filter(([flag]) => flag === '-f').map(([, value]) => [value.slice(0, value.indexOf('=')), value.slice(value.indexOf('=') + 1)])),
  };
}
