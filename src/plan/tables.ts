import { TABLES, type Table } from '../metadata/catalogue.js';
import type { MigrationFile } from '../migration-file/migration-file.js';

/** The tables that a migration file asks for, in the catalogue's order: parents before children. */
export const selectedTables = (metadata: MigrationFile['metadata'], catalogue: readonly Table[] = TABLES): readonly Table[] =>
  catalogue.filter(({ option }) => {
    if (option === 'xcom' || option === 'variables' || option === 'connections') return metadata[option];
    return option !== 'audit-log' || metadata.auditLogDays !== 0;
  });
