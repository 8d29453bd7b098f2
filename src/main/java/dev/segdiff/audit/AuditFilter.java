package dev.segdiff.audit;

import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.TableName;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Selects recorded changes of a table. A part that is null does not restrict the selection.
 *
 * @param transaction the number of the transaction that made the changes
 * @param run the number of the run of segdiff that made the changes
 * @param key the values of the primary key, separated by commas, with or without their names; or a JSON object; or as
 *     the log prints it
 * @param since a point in time as PostgreSQL reads it, or an age such as {@code 2h}
 * @param actor who made the changes: the person that the application named, or the database role
 */
public record AuditFilter(
        TableName table,
        @Nullable Long transaction,
        @Nullable Long run,
        @Nullable String key,
        @Nullable String since,
        @Nullable String actor) {
    /** An age, such as 90s, 2 hours ago or P1D. Any other text is a point in time. */
    private static final Pattern AGE = Pattern.compile(
            "(\\d+\\s*(?:s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?|w|weeks?|mons?|months?|y|years?)"
                    + "|p[0-9t].*?)(\\s+ago)?",
            Pattern.CASE_INSENSITIVE);

    /** The condition on rows of {@code segdiff.audit_log l}, for {@link #binds}. */
    static final String CONDITION = """
            (l.relation = to_regclass(?)
             or (to_regclass(?) is null and parse_ident(l.table_name) = array[?::text, ?::text]))
            and l.transaction_id = coalesce(?::bigint, l.transaction_id)
            and (?::bigint is null or l.run_id = ?::bigint)
            and (?::text is null or l.key = case when left(?::text, 1) = '{' then ?::jsonb end
                 or exists (select from (
                                select string_agg(l.key ->> k, ',' order by n) as values_only,
                                    string_agg(k || '=' || (l.key ->> k), ',' order by n) as named,
                                    string_agg(k || '=' || (l.key -> k), ' '
                                               order by length(k), k collate "C") as as_printed,
                                    array_agg(k || '=' || (l.key ->> k) order by k || '=' || (l.key ->> k)) as pairs
                                from unnest(coalesce(
                                    segdiff.key_columns(l.relation), array(select jsonb_object_keys(l.key))
                                )) with ordinality u (k, n)) w
                            where ?::text in (w.values_only, w.named, w.as_printed)
                               or array(select trim(p) from unnest(string_to_array(?::text, ',')) p
                                        order by 1) = w.pairs))
            and l.changed_at >= coalesce(?::timestamptz, now() - ?::interval, '-infinity')
            and (?::text is null or ?::text in (l.actor, l.role))
            """;

    /** The binds of a statement in which the condition stands between other binds. */
    @Nullable
    Object[] binds(List<?> before, List<?> after) {
        List<@Nullable Object> all = new ArrayList<>(before);
        Collections.addAll(all, binds());
        all.addAll(after);
        return all.toArray();
    }

    private @Nullable Object[] binds() {
        Matcher age = AGE.matcher(since == null ? "" : since);
        boolean isAge = age.matches();
        return new @Nullable Object[] {
            table.toString(),
            table.toString(),
            table.schema(),
            table.name(),
            transaction,
            run,
            run,
            key,
            key,
            key,
            key,
            key,
            isAge ? null : since,
            isAge ? age.group(1) : null,
            actor,
            actor
        };
    }

    /** Whether the filter restricts the changes beyond the table and the actor. */
    public boolean isNarrow() {
        return transaction != null || run != null || key != null || since != null;
    }

    /** The filter in words, such as "transaction 17, by anna". */
    public String words() {
        List<String> words = new ArrayList<>();
        add(words, "transaction ", transaction);
        add(words, "run ", run);
        add(words, "key ", key);
        add(words, "since ", since);
        add(words, "by ", actor);
        return String.join(", ", words);
    }

    private static void add(List<String> words, String what, @Nullable Object value) {
        if (value != null) {
            words.add(what + value);
        }
    }

    /**
     * Runs a query with a filter. If PostgreSQL cannot read the key or the time in the filter, the exception says that
     * the input is wrong.
     */
    static <T> T reading(Supplier<T> work) {
        try {
            return work.get();
        } catch (DatabaseException e) {
            if (e.sqlState().startsWith("22")) {
                throw new InvalidInputException(
                        "--since and --key: expected a point in time, an age such as 2h, values separated by commas,"
                                + " or JSON; " + e.getMessage());
            }
            throw e;
        }
    }
}
