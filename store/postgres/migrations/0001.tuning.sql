-- What only PostgreSQL itself has, and needs: the other engines do not keep the old versions of rows in the table.
--
-- Each step of a login leaves old versions of short-lived rows behind. The free fifth of each page takes the next version
-- of an updated row, and vacuum comes when a hundredth of the table is old instead of a fifth, and does not pause. Large
-- values are not compressed: ciphertext does not get smaller.
ALTER TABLE {schema}.ephemeral ALTER COLUMN value SET STORAGE EXTERNAL;
ALTER TABLE {schema}.ephemeral SET (
	fillfactor = 80,
	autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
	autovacuum_vacuum_insert_scale_factor = 0.2, autovacuum_analyze_scale_factor = 0.2,
	toast.autovacuum_vacuum_scale_factor = 0.01, toast.autovacuum_vacuum_threshold = 1000,
	toast.autovacuum_vacuum_cost_delay = 0
);
ALTER TABLE {schema}.counter SET (
	fillfactor = 50,
	autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0
);
ALTER TABLE {schema}.ledger SET (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02);
