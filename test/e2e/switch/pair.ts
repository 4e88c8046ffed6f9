/** The moves between versions that the switch is shown for, and what differs in them besides the versions. */
export type Pair = Readonly<{
  from: string;
  to: string;
  /** metadata.history-days: 0 leaves out every run but the newest of each DAG. */
  historyDays: 'all' | 0;
  /** Events that nobody but cutover queues for their consumer: from 2.10 on the source queues none for a paused one. */
  owedEvents: number;
  drain: Readonly<{ 'timeout-minutes': number; 'task-minutes': number; leftover: 'resume' | 'fail' | 'abort'; 'resume-deferred': boolean }>;
}>;

/** All of the history, a deadline at once (what ends behind it is owed to its consumers), deferred tasks stay where they are. */
export const TO_2_10: Pair = {
  from: '2.7.2', to: '2.10.3', historyDays: 'all', owedEvents: 0, drain: { 'timeout-minutes': 0, 'task-minutes': 1, leftover: 'resume', 'resume-deferred': false },
};
/** Only the newest runs, a minute to come to rest (one consumer still gets its event on the source), deferred tasks begin anew. */
export const TO_2_11: Pair = {
  from: '2.10.3', to: '2.11.2', historyDays: 0, owedEvents: 1, drain: { 'timeout-minutes': 1, 'task-minutes': 1, leftover: 'resume', 'resume-deferred': true },
};
