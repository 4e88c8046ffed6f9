/** Lines of requirements.txt as a report may show them. Pure. */

/** Our copy of the user's folders has a random name, which would make every report another one. */
const OURS = /(?:\/[^\s/"']+)*\/mwaa-migrate-check-\w+\/(dags|plugins)(?=[/"'\s]|$)/gu;

/** Scheme and host stay: user, password, path and query of a private index can all be its key. */
export const shownLine = (text: string): string =>
  text.replace(OURS, '/usr/local/airflow/$1').replace(/([a-z][a-z0-9+.-]*:\/\/)([^\s/?#]*@)?([^\s/?#@"']*)([^\s"']*)/giu, (whole, scheme: string, user: string | undefined, host: string, rest: string) =>
    (user === undefined && PUBLIC.test(`${scheme}${host}${rest}`) ? whole : `${scheme}${host}${/^\/?$/u.test(rest) ? '' : '/…'}`));

/** Airflow's own constraints: everybody may read them, and the name of the version in them is what matters. */
const PUBLIC = /^https:\/\/raw\.githubusercontent\.com\/apache\/airflow\/constraints-[\w.-]+\/constraints-[\w.-]+\.txt$/u;
