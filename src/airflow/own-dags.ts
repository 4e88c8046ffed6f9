/** How our own short-lived DAG file is told from the user's: it lies in a folder of ours inside the DAG folder. */
const OWN_DAG_FILE = /(^|\/)mwaa_migrate\/db_(export|import)(_[0-9]+)?\.py$/;
const OWN_DAG_ID = /^db_(export|import)(_[0-9]+)?$/;

/** A folder of our own inside the DAG folder, so that nothing of the user's can bear the same name. */
export const OWN_DAG_FOLDER = 'mwaa_migrate';
/** @param dagFolder DagS3Path of the environment, e.g. `dags` or `team/dags/` */
export const ownDagKey = (dagFolder: string, dagId: 'db_export' | 'db_import'): string => `${dagFolder.replace(/^\/+|\/+$/gu, '')}/${OWN_DAG_FOLDER}/${dagId}.py`;

/** @param key whole key, or path below the DAG folder */
export const isOwnDagFile = (key: string): boolean => OWN_DAG_FILE.test(key);

/** The ids begin as AWS's migration guide names them. */
export const isOwnDagId = (dagId: string): boolean => OWN_DAG_ID.test(dagId);
