export const PHASES = ['check', 'plan', 'resources', 'create', 'export', 'import', 'logs', 'verify', 'upgrade', 'cutover', 'rollback', 'cleanup', 'status'] as const;
export type Phase = (typeof PHASES)[number];

/** Inputs after validation; absence is undefined. Names as in action.yml, in camel case. */
export type Inputs = Readonly<{
  phase: Phase;
  config: string;
  mode: 'rehearsal' | 'final';
  attempt: number | undefined;
  planRole: string | undefined;
  sourceRole: string | undefined;
  targetRole: string | undefined;
  approvedPlan: string | undefined;
  approvedManifest: string | undefined;
  dryRun: boolean;
  githubToken: string | undefined;
  timeoutMinutes: number;
}>;
