/** Made by scripts/interfaces.mjs from action.yml: change it there. */

/** Every input with the value it has when a step does not give one. */
export const INPUT_DEFAULTS = {
  'phase': '',
  'config': '.github/mwaa-migration.yml',
  'mode': '',
  'attempt': '',
  'plan-role': '',
  'target-plan-role': '',
  'source-role': '',
  'target-role': '',
  'approved-plan': '',
  'approved-manifest': '',
  'require-approval': 'false',
  'gate': 'environment',
  'gate-environment': 'migration-production',
  'gate-timeout-minutes': '60',
  'allow-unprotected-gate': 'false',
  'cutover-environment': '',
  'work-environment': '',
  'pause': 'after-gate',
  'from': '',
  'only': '',
  'jobs': '',
  'allowed-account-ids': '',
  'session-policy': 'phase',
  'dry-run': 'false',
  'github-token': '',
  'pull-request': '',
  'check-report': '',
  'timeout-minutes': '300',
} as const;

export const OUTPUT_NAMES = ['jobs', 'approved-by', 'page', 'migration-id', 'attempt', 'plan-digest', 'manifest-digest', 'changes', 'blockers', 'tables', 'target-environment', 'target-webserver-url', 'report', 'plan', 'check-report'] as const;

export type InputName = keyof typeof INPUT_DEFAULTS;
export type OutputName = (typeof OUTPUT_NAMES)[number];
