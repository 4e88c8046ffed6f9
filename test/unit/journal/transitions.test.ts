import { describe, expect, it } from '@jest/globals';
import { InternalError } from '../../../src/errors.js';
import { beginAttempt, attemptOf, finishedPhase, finishPhase, heldLock, markCleaned, newestAttempt, newJournal, refuseCleaned, rememberStep, replaceStep, stepOf, withLock } from '../../../src/journal/transitions.js';

const AT = new Date('2026-11-22T10:00:00Z');
const empty = newJournal({ migrationId: 'm', source: { environment: 'a', region: 'r', airflowVersion: '2.7.2' }, target: { environment: 'b', region: 'r', airflowVersion: '2.10.3' } });
const step = (name: string, count: number) => ({ name, at: AT.toISOString(), by: 'run 1', data: { count } });

describe('journal transitions', () => {
  it('numbers attempts from 1 without reusing a number', () => {
    const two = beginAttempt(beginAttempt(empty, 'rehearsal', AT), 'final', AT);
    expect(two.attempts.map(({ number }) => number)).toEqual([1, 2]);
    const without = { ...two, attempts: two.attempts.slice(1) };
    expect(beginAttempt(without, 'final', AT).attempts.at(-1)?.number).toBe(3);
  });

  it('finds the newest attempt of a mode', () => {
    const three = beginAttempt(beginAttempt(beginAttempt(empty, 'final', AT), 'final', AT), 'rehearsal', AT);
    expect([newestAttempt(three)?.number, newestAttempt(three, 'final')?.number, newestAttempt(empty)?.number]).toEqual([3, 2, undefined]);
  });

  it('keeps the first answer of a step that is remembered, and the last of one that is replaced', () => {
    const begun = beginAttempt(empty, 'final', AT);
    const remembered = rememberStep(rememberStep(begun, 1, step('active-dags', 3)), 1, step('active-dags', 0));
    expect(stepOf(attemptOf(remembered, 1)!, 'active-dags')?.data).toEqual({ count: 3 });
    const replaced = replaceStep(replaceStep(begun, 1, step('verified', 1)), 1, step('verified', 2));
    expect(attemptOf(replaced, 1)?.steps).toEqual([step('verified', 2)]);
  });

  it('does not change an attempt that is not there', () => expect(() => rememberStep(empty, 9, step('x', 1))).toThrow(InternalError));

  it('keeps the newest entry of a finished phase', () => {
    const twice = finishPhase(finishPhase(empty, { phase: 'create', at: '1', by: 'x' }), { phase: 'create', at: '2', by: 'x' });
    expect(twice.finished).toHaveLength(1);
    expect(finishedPhase(twice, 'create')?.at).toBe('2');
  });

  it('holds a lock until its lease ends, to the second', () => {
    const locked = withLock(empty, { owner: 'x', token: 't', since: AT.toISOString(), expiresAt: AT.toISOString() });
    expect(heldLock(locked, new Date(AT.getTime() - 1))?.owner).toBe('x');
    expect(heldLock(locked, AT)).toBeUndefined();
  });

  it('refuses a migration that was cleaned up', () => expect(() => refuseCleaned(markCleaned(empty))).toThrow(/choose a new "id"/u));
});
