package dev.segdiff.db;

/** The name of a column as PostgreSQL has it, case included. {@link #toString()} returns the name quoted for SQL. */
public record ColumnName(String name) {
    public ColumnName {
        TableName.checkLength(name);
    }

    @Override
    public String toString() {
        return TableName.quote(name);
    }
}
