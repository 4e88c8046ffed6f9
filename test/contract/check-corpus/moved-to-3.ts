/** DAGs that load from 2.7.2 to 3.3.1 and run otherwise there: what is known of each, written by hand from what both releases do. */
export type Move = Readonly<{ file: string; dagId: string; code: string; moves: string; /** In the finding's text. */ what: RegExp }>;

export const MOVES_TO_3: readonly Move[] = [
  {
    file: 'dags/meters_by_the_hour.py', dagId: 'meters_by_the_hour', code: 'schedule-differs', moves: 'every three hours in Berlin: the two releases count the hours in the night of the change otherwise (seen on both)',
    what: /runs on Airflow 2\.7\.2 at \d{4}-(?:03|10)-\d\dT\d\d:00:00Z, and at \d{4}-(?:03|10)-\d\dT\d\d:00:00Z on 3\.3\.1/u,
  },
  { file: 'dags/deliveries.py', dagId: 'deliveries', code: 'schedule-differs', moves: "a plugin's timetable asks for Airflow's version", what: /T20:00:00Z, and at \d{4}-\d\d-\d\dT06:00:00Z on 3\.3\.1/u },
  { file: 'dags/closing.py', dagId: 'closing_north', code: 'schedule-differs', moves: 'monthly before, weekly now, by a question of version', what: /\(0 0 1 \* \*\) runs on Airflow 2\.7\.2 at \d{4}-\d\d-01T00:00:00Z/u },
  { file: 'dags/closing.py', dagId: 'closing_north', code: 'catchup-differs', moves: 'catches up before, not now', what: /catchup is on with Airflow 2\.7\.2 and off with 3\.3\.1/u },
  { file: 'dags/closing.py', dagId: 'closing_south', code: 'dag-lost', moves: 'is made on the source alone, under an id that no text shows', what: /appears on Airflow 2\.7\.2 and does not appear on the target/u },
];

/** Of the same repository, and alike on both sides: a day and eight hours in Berlin, and a file that looks for the other side's folder and finds its own alone. */
export const UNMOVED = ['folders_seen_1', 'meters_by_the_day', 'meters_by_the_shift'];
