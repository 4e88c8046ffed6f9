import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { stopping } from '../../../src/stopping.js';

beforeEach(() => void jest.spyOn(process.stdout, 'write').mockImplementation(() => true));
afterEach(() => void jest.restoreAllMocks());

function aProcess() {
  const codes: number[] = [];
  return { process: Object.assign(new EventEmitter(), { exit: (code: number) => codes.push(code) }) as unknown as NodeJS.Process, codes };
}
const settle = () => new Promise((resolve) => setImmediate(resolve));

it.each([['SIGINT', 130], ['SIGTERM', 143]] as const)('gives the lock back at %s before it ends, once', async (signal, code) => {
  const { process, codes } = aProcess();
  const order: string[] = [];
  stopping(process, async () => { await settle(); order.push(`closed, ${codes.length} exits`); }, 'export');
  process.emit(signal);
  process.emit(signal);
  await settle();
  await settle();
  expect([order, codes]).toEqual([['closed, 0 exits'], [code]]);
});

it('ends also when the lock cannot be given back', async () => {
  const { process, codes } = aProcess();
  stopping(process, () => Promise.reject(new Error('no network')), 'export');
  process.emit('SIGTERM');
  await settle();
  expect(codes).toEqual([143]);
});

it('listens no longer once the phase is over', () => {
  const { process } = aProcess();
  stopping(process, async () => undefined, 'plan')();
  expect([process.listenerCount('SIGINT'), process.listenerCount('SIGTERM')]).toEqual([0, 0]);
});
