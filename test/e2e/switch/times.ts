/** Moments that the workflows are written for; all UTC. */
export type Times = Readonly<{
  /** Where schedules begin: long before the history that is planted. */
  longAgo: Date;
  /** First day of ordered_days, four whole days before today. */
  daysFrom: Date;
  backfillDay: Date;
  /** 0 to 4: the five-minute schedules are due at minutes of this remainder. */
  minuteOfFive: number;
  /** When once_later is due: behind the pause. */
  onceAt: Date;
  /** First interval of told_minutes: the world's own first minute. */
  toldFrom: Date;
}>;

const MINUTE = 60_000, DAY = 24 * 60 * MINUTE;
/** Minutes from the start of a world to the pause of its source, and a bit. Only how long a test waits depends on it, not what it finds. */
const UNTIL_DUE = 4;

/** Midnight so many days before. */
export const daysAgo = (now: Date, days: number): Date => new Date(Math.floor(now.getTime() / DAY) * DAY - days * DAY);

export const minuteOfFive = (now: Date): number => new Date(now.getTime() + UNTIL_DUE * MINUTE).getUTCMinutes() % 5;

/** The newest moment at or before `now` that lies `offset` minutes behind a multiple of `period` minutes. */
export const lastDue = (now: Date, period: number, offset: number): Date =>
  new Date(Math.floor((now.getTime() / MINUTE - offset) / period) * period * MINUTE + offset * MINUTE);
