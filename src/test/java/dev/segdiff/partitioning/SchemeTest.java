package dev.segdiff.partitioning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.db.ColumnName;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.table.PartitionInterval;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SchemeTest {
    @Test
    void fourWaysAreRead() {
        assertThat(Scheme.parse("range(created_at) month"))
                .isEqualTo(new Scheme.TimeRange(new ColumnName("created_at"), PartitionInterval.MONTH));
        assertThat(Scheme.parse("RANGE ( ID ) 10000000"))
                .isEqualTo(new Scheme.NumberRange(new ColumnName("id"), 10_000_000));
        assertThat(Scheme.parse("hash(user_id) 64")).isEqualTo(new Scheme.Hash(new ColumnName("user_id"), 64));
        assertThat(Scheme.parse("list(\"My \"\"Region\")"))
                .isEqualTo(new Scheme.Values(new ColumnName("My \"Region")))
                .extracting(Scheme::clause)
                .isEqualTo("list (\"My \"\"Region\")");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "created_at",
                "range(created_at)",
                "range(created_at) fortnight",
                "range(id) 0",
                "range(id) 99999999999999999999",
                "range(a, b) month",
                "range(a) month; drop table t",
                "hash(user_id)",
                "hash(user_id) 1",
                "hash(user_id) 1001",
                "hash(user_id) month",
                "list(region) 7",
                "list(\"\")"
            })
    void anythingElseIsRefused(String text) {
        assertThatThrownBy(() -> Scheme.parse(text))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("expected");
    }
}
