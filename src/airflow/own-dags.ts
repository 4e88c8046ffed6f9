/** How our own short-lived DAG files and DAGs are told from the user's. The ids begin as AWS's migration guide names them. */

/** The file carries the DAG's id in its name, and a mark that no user's file has by chance. */
export const OWN_DAG_FILE = /(^|\/)mwaa_migrate_[A-Za-z0-9_.-]+\.py$/;

/** @param key whole key, or path below the DAG folder */
export const isOwnDagFile = (key: string): boolean => OWN_DAG_FILE.test(key);
