package dev.segdiff.docs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.ReferencePage;
import dev.segdiff.support.TestDatabase;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The page of the schema is made of its comments. */
class SqlReferenceTest {
    /** What an application calls: the functions that readers may call, and times of ids. */
    private static final Set<String> OF_APPLICATIONS = Set.of(
            "use_segment",
            "read_segment",
            "net_changes",
            "members",
            "horizon",
            "logical_day",
            "uuid_at",
            "uuid_time",
            "ulid_at",
            "ulid_time");

    private static final String FUNCTIONS = """
            select p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
                obj_description(p.oid, 'pg_proc')
            from pg_proc p
            where p.pronamespace = 'segdiff'::regnamespace and obj_description(p.oid, 'pg_proc') is not null
            order by p.proname, p.oid
            """;

    private static final String RELATIONS = """
            select c.relname, case c.relkind when 'v' then 'view' else 'table' end, obj_description(c.oid, 'pg_class')
            from pg_class c
            where c.relnamespace = 'segdiff'::regnamespace and c.relkind in ('v', 'r', 'p')
              and obj_description(c.oid, 'pg_class') is not null and c.relname <> 'flyway_schema_history'
            order by c.relname
            """;

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @Test
    void pageOfSqlIsUpToDate() {
        StringBuilder page = new StringBuilder("""
                # SQL: the schema segdiff

                This page is generated from the comments in the schema `segdiff`. Which role may call which function: see
                [roles](../guide/roles.md).

                ## Functions for applications
                """);
        List<String> functions = db.rows(FUNCTIONS);
        assertThat(functions.stream().map(SqlReferenceTest::name)).containsAll(OF_APPLICATIONS);
        functions.stream()
                .filter(function -> OF_APPLICATIONS.contains(name(function)))
                .forEach(function -> append(page, function));
        page.append("\n## Functions that segdiff itself calls\n");
        functions.stream()
                .filter(function -> !OF_APPLICATIONS.contains(name(function)))
                .forEach(function -> append(page, function));
        page.append("\n## Views and tables\n\n| name | kind | meaning |\n|---|---|---|\n");
        for (String relation : db.rows(RELATIONS)) {
            String[] part = relation.split("\\|", 3);
            page.append("| `segdiff.%s` | %s | %s |\n".formatted(part[0], part[1], ReferencePage.cell(part[2])));
        }

        ReferencePage.check("sql.md", page.toString());
    }

    private static String name(String function) {
        return function.substring(0, function.indexOf('|'));
    }

    private static void append(StringBuilder page, String function) {
        String[] part = function.split("\\|", 4);
        page.append("\n### %s\n\n```text\nsegdiff.%s(%s)\nreturns %s\n```\n\n%s\n"
                .formatted(part[0], part[0], part[1], part[2], part[3].strip()));
    }
}
