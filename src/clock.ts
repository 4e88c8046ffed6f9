/** The only place that reads the machine's time; everything else is handed a Clock, so that tests need no waiting. */
import type { Clock } from './ports.js';

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/** Repeats `work` until the returned function is called. */
export type Ticker = (milliseconds: number, work: () => void) => () => void;

export const systemTicker: Ticker = (milliseconds, work) => {
  const timer = setInterval(work, milliseconds);
  // A lease that is still renewed must not keep a finished process alive.
  timer.unref();
  return () => clearInterval(timer);
};
