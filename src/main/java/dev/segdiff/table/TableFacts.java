package dev.segdiff.table;

import dev.segdiff.db.ColumnName;
import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import dev.segdiff.table.TimeKey.Kind;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.ZoneId;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What PostgreSQL's catalog knows about a table and one of its columns.
 *
 * @param kind {@code relkind}: "r" a table, "p" a partitioned table, "v" a view, and so on
 * @param hasColumn whether the table has the column; without it, the fields about the column are empty
 * @param baseType the type of the column, below its domains, such as "timestamptz"
 * @param castType the same type as a cast names it, such as "timestamp with time zone"
 * @param partitionedByColumn whether the table is partitioned by range on this column alone
 * @param partitionKey how the table is partitioned, such as "LIST (kind)"; "null" if the table is not partitioned
 * @param indexed whether a btree index begins with the column
 * @param mayUseSchema whether this role may use the schema of the table
 * @param mayDelete whether this role may select, lock and delete rows
 * @param foreignOwners those owners of the table and its partitions whose roles this role is not a member of
 * @param rowSecurity whether row security hides rows from this role
 * @param pages the size of the table in pages of 8 kB
 * @param standby whether the server is a standby
 */
public record TableFacts(
        String kind,
        boolean hasColumn,
        String baseType,
        String castType,
        boolean partitionedByColumn,
        String partitionKey,
        boolean indexed,
        boolean mayUseSchema,
        boolean mayDelete,
        Set<String> foreignOwners,
        boolean rowSecurity,
        long pages,
        boolean standby) {
    /**
     * Reads the facts; empty if there is no such table. The table is found in the catalog, because to_regclass fails if
     * the role may not use the schema of the table.
     */
    public static Optional<TableFacts> of(Session session, TableName table, String column) {
        return session.first("""
                select c.relkind, a.attnum is not null as has_column, b.typname as base_type,
                    format_type(b.oid, -1) as cast_type,
                    coalesce(p.partstrat = 'r' and p.partnatts = 1 and p.partattrs[0] = a.attnum, false)
                        as partitioned_by_column,
                    pg_get_partkeydef(c.oid) as partition_key,
                    segdiff.has_index(c.oid, a.attnum) as indexed,
                    has_schema_privilege(n.oid, 'usage') as may_use_schema,
                    has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'delete')
                        and has_any_column_privilege(c.oid, 'update') as may_delete,
                    array(select distinct o.relowner::regrole::text from pg_class o
                          where not pg_has_role(o.relowner, 'usage')
                            and (o.oid = c.oid
                                 or o.oid in (select i.inhrelid from pg_inherits i where i.inhparent = c.oid)))
                        as foreign_owners,
                    row_security_active(c.oid) as row_security,
                    pg_relation_size(c.oid) / current_setting('block_size')::int as pages,
                    pg_is_in_recovery() as standby
                from pg_class c
                join pg_namespace n on n.oid = c.relnamespace
                left join pg_attribute a on a.attrelid = c.oid and a.attname = ? and a.attnum > 0 and not a.attisdropped
                left join pg_type t on t.oid = a.atttypid
                left join pg_type b on b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
                left join pg_partitioned_table p on p.partrelid = c.oid
                where n.nspname = ? and c.relname = ?
                """, TableFacts::read, column, table.schema(), table.name());
    }

    private static TableFacts read(ResultSet row) throws SQLException {
        return new TableFacts(
                row.getString("relkind"),
                row.getBoolean("has_column"),
                String.valueOf(row.getString("base_type")),
                String.valueOf(row.getString("cast_type")),
                row.getBoolean("partitioned_by_column"),
                String.valueOf(row.getString("partition_key")),
                row.getBoolean("indexed"),
                row.getBoolean("may_use_schema"),
                row.getBoolean("may_delete"),
                Set.of((String[]) row.getArray("foreign_owners").getArray()),
                row.getBoolean("row_security"),
                row.getLong("pages"),
                row.getBoolean("standby"));
    }

    public boolean partitioned() {
        return kind.equals("p");
    }

    /** How the column writes a time; empty if the type of the column holds no time. */
    public Optional<Kind> timeKind() {
        return switch (baseType) {
            case "timestamptz" -> Optional.of(Kind.TIMESTAMPTZ);
            case "timestamp" -> Optional.of(Kind.TIMESTAMP);
            case "date" -> Optional.of(Kind.DATE);
            default -> Optional.empty();
        };
    }

    /**
     * The kind of the ids in the column; empty if the type of the column holds no ids. A text column is taken for
     * ULIDs; {@link IdSample} finds out whether it holds UUIDs.
     */
    public Optional<Kind> idKind() {
        return switch (baseType) {
            case "uuid" -> Optional.of(Kind.UUID);
            case "text", "varchar", "bpchar" -> Optional.of(Kind.ULID);
            default -> Optional.empty();
        };
    }

    /** The table together with the key that tells the time of its rows. */
    public TimedTable timed(TableName table, ColumnName column, TimeKey key, List<Reference> references) {
        return new TimedTable(table, column, key, castType, partitioned(), indexed, pages, references);
    }

    /** The key of the column. The times in ids are in UTC, whatever the zone of the policy. */
    public static TimeKey key(Kind kind, ZoneId zone) {
        return new TimeKey(kind, kind.isId() ? ZoneId.of("UTC") : zone, false);
    }
}
