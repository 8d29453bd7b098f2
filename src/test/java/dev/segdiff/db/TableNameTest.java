package dev.segdiff.db;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TableNameTest {
    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '\'',
            value = {
                "events, '\"public\".\"events\"'",
                "App.Events, '\"app\".\"events\"'",
                "'\"App\".\"My \"\"Events\"\"\"', '\"App\".\"My \"\"Events\"\"\"'",
                "übung, '\"public\".\"übung\"'"
            })
    void readsNamesAsSqlDoes(String text, String quoted) {
        assertThat(TableName.parse(text)).hasToString(quoted);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "a.b.c", "1a", "a b", "a;drop table b", "\"a", "a\"b", "a.", ".a", "(select 1)", "\"\""})
    void refusesWhatIsNoName(String text) {
        assertThatThrownBy(() -> TableName.parse(text)).isInstanceOf(InvalidInputException.class);
    }

    @Test
    void refusesNamesThatPostgresqlWouldCut() {
        assertThatThrownBy(() -> TableName.parse("x".repeat(64)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("64 bytes");
    }

    @Test
    void plainFormQuotesOnlyWhatNeedsIt() {
        assertThat(TableName.parse("app.events").plain()).isEqualTo("app.events");
        assertThat(TableName.parse("app.\"Events\"").plain()).isEqualTo("app.\"Events\"");
    }
}
