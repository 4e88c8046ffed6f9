/** Faults on demand: throttling, 5xx, cut connections, delays and expired tokens, by rules that may change while the sandbox runs. */
import type { AwsError, Faults, Principal } from './contract.js';
import { expiredToken, internalFailure, throttled } from './refusals.js';

export type FaultRule = Readonly<{
  /** Credential-scope name: s3, sts, iam, kms, logs, airflow. */
  service?: string;
  /** Exact, e.g. PutObject. */
  action?: string;
  /** Part of the caller's ARN, e.g. a role's name. */
  principalContains?: string;
  /** Calls that match but pass before the first is hit. */
  after?: number;
  /** How many calls it hits. */
  times: number;
  kind: 'throttle' | '500' | 'drop' | 'delay' | 'expired-token';
  /** For `delay`. */
  delayMs?: number;
}>;

const KINDS: readonly string[] = ['throttle', '500', 'drop', 'delay', 'expired-token'];

export type InjectedFaults = Faults & Readonly<{
  add(rule: FaultRule): void;
  clear(): void;
  /** Rules with what is left of `after` and `times`. */
  rules(): readonly FaultRule[];
}>;

export function createFaults(): InjectedFaults {
  let rules: FaultRule[] = [];

  /** The first rule that hits this call; counters of all that match go on. */
  const take = (service: string, action: string, caller: string): FaultRule | undefined => {
    const hit = rules.find((rule) => matches(rule, service, action, caller) && (rule.after ?? 0) === 0);
    rules = rules
      .map((rule) => {
        if (rule === hit) return { ...rule, times: rule.times - 1 };
        return matches(rule, service, action, caller) && (rule.after ?? 0) > 0 ? { ...rule, after: (rule.after ?? 0) - 1 } : rule;
      })
      .filter(({ times }) => times > 0);
    return hit;
  };

  return {
    add: (rule) => { rules = [...rules, rule]; },
    clear: () => { rules = []; },
    rules: () => rules,
    async before(service, action, principal) {
      const rule = take(service, action, nameOf(principal));
      if (!rule) return 'none';
      if (rule.kind === 'drop') return 'drop';
      if (rule.kind === 'delay') {
        await new Promise((resolve) => setTimeout(resolve, rule.delayMs ?? 1000));
        return 'none';
      }
      throw errorFor(rule.kind, service);
    },
  };
}

function errorFor(kind: 'throttle' | '500' | 'expired-token', service: string): AwsError {
  if (kind === 'throttle') return throttled(service);
  return kind === '500' ? internalFailure(service) : expiredToken(service);
}

function matches(rule: FaultRule, service: string, action: string, caller: string): boolean {
  return (rule.service ?? service) === service && (rule.action ?? action) === action && caller.includes(rule.principalContains ?? '');
}

const nameOf = (principal: Principal): string => (principal.kind === 'anonymous' ? 'anonymous' : principal.arn);

/** A rule as the control endpoint receives it. @throws Error that says what is wrong with it */
export function parseFaultRule(value: unknown): FaultRule {
  if (typeof value !== 'object' || value === null) throw new Error('a fault rule is a JSON object');
  const rule = value as Readonly<Record<string, unknown>>;
  const known = ['service', 'action', 'principalContains', 'after', 'times', 'kind', 'delayMs'];
  const unknown = Object.keys(rule).filter((key) => !known.includes(key));
  if (unknown.length > 0) throw new Error(`fault rule: unknown ${unknown.join(', ')}; known are ${known.join(', ')}`);
  if (!KINDS.includes(String(rule.kind))) throw new Error(`fault rule: kind "${String(rule.kind)}" is none of ${KINDS.join(', ')}`);
  if (!Number.isInteger(rule.times) || Number(rule.times) < 1) throw new Error('fault rule: times is a whole number from 1');
  return rule as FaultRule;
}
