/** Faults on demand: what GitHub does on a bad day, for the calls that a rule names. */

export type GithubFault = Readonly<{
  method?: string;
  /** Part of the path. */
  path?: string;
  /** Calls that match but pass before the first is hit. */
  after?: number;
  /** How many calls it hits. */
  times: number;
  /** `drop`: nothing was done. `lost-answer`: it was done, and the connection broke before the answer. `half-answer`: it broke within the answer. */
  kind: '502' | '503' | 'drop' | 'lost-answer' | 'half-answer' | 'slow' | 'secondary' | 'secondary-429' | 'primary' | 'not-json';
  /** Seconds, for the limits; without it GitHub's own: 60. */
  retryAfter?: number;
  /** For `slow`. */
  delayMs?: number;
}>;

export type GithubFaults = Readonly<{ add(fault: GithubFault): void; take(method: string, path: string): GithubFault | undefined; left(): number }>;

export function createGithubFaults(): GithubFaults {
  let rules: readonly GithubFault[] = [];
  return {
    add: (fault) => { rules = [...rules, fault]; },
    left: () => rules.length,
    take(method, path) {
      const matches = (rule: GithubFault): boolean => (rule.method === undefined || rule.method === method) && (rule.path === undefined || path.includes(rule.path));
      const hit = rules.find((rule) => matches(rule) && (rule.after ?? 0) === 0);
      rules = rules
        .map((rule) => (rule === hit ? { ...rule, times: rule.times - 1 } : matches(rule) && (rule.after ?? 0) > 0 ? { ...rule, after: (rule.after ?? 0) - 1 } : rule))
        .filter(({ times }) => times > 0);
      return hit;
    },
  };
}
