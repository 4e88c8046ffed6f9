/** Whether two descriptions of a schedule, of two Airflow releases, mean the same. Pure. */

/** https://airflow.apache.org/docs/apache-airflow/stable/authoring-and-scheduling/cron.html#cron-presets */
const PRESETS: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *', '@daily': '0 0 * * *', '@weekly': '0 0 * * 0', '@monthly': '0 0 1 * *', '@quarterly': '0 0 1 */3 *', '@yearly': '0 0 1 1 *',
};
const NOTHING = 'none';

export const isSameSchedule = (one: string, other: string): boolean => meaningOf(one) === meaningOf(other);

function meaningOf(words: string): string {
  const plain = words.trim().replace(/\s+/gu, ' ');
  if (/^(?:None|Never, external triggers only)?$/iu.test(plain)) return NOTHING;
  // Datasets are called assets since Airflow 3, and "1 Events" is "1 events" since 2.10; cron reads names of days and months in any case.
  return PRESETS[plain] ?? plain.replace(/\bDatasets?\b/gu, (name) => name.replace('Dataset', 'Asset')).toLowerCase();
}
