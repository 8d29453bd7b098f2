package dev.segdiff.table;

import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import java.util.List;

/**
 * A foreign key of another table, with {@code on delete no action} or {@code on delete restrict}. The rows that this
 * foreign key references cannot be deleted.
 *
 * @param exists the SQL condition that is true for a row of the event table if this foreign key references the row; the
 *     condition calls the event table {@code t}
 */
public record Reference(String name, TableName child, String exists) {
    /**
     * The foreign keys that reference a table and whose tables this role may read. Foreign keys of the table itself do
     * not count, because a delete removes parents and children together.
     */
    public static List<Reference> of(Session session, TableName table) {
        return session.list(
                """
                select f.conname, n.nspname, c.relname,
                    (select string_agg(format('c.%I = t.%I', child.attname, parent.attname), ' and ')
                     from unnest(f.conkey, f.confkey) as k (child_column, parent_column)
                     join pg_attribute child on child.attrelid = f.conrelid and child.attnum = k.child_column
                     join pg_attribute parent
                         on parent.attrelid = f.confrelid and parent.attnum = k.parent_column) as matching
                from pg_constraint f
                join pg_class c on c.oid = f.conrelid
                join pg_namespace n on n.oid = c.relnamespace
                where f.contype = 'f' and f.confrelid = to_regclass(?)
                  and f.conparentid = 0 and f.conrelid <> f.confrelid and f.confdeltype in ('a', 'r')
                  and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
                order by f.conname
                """,
                row -> {
                    TableName child = new TableName(row.getString("nspname"), row.getString("relname"));
                    return new Reference(
                            row.getString("conname"),
                            child,
                            "exists (select from %s c where %s)".formatted(child, row.getString("matching")));
                },
                table.toString());
    }

    /** The foreign key in words, for the report. */
    public String words() {
        return "foreign key " + name + " of " + child.plain() + " references them";
    }

    /** The SQL condition that is true for a row if none of these foreign keys references the row. */
    public static String none(List<Reference> references) {
        StringBuilder sql = new StringBuilder("true");
        references.forEach(reference -> sql.append(" and not ").append(reference.exists()));
        return sql.toString();
    }
}
