package dev.segdiff.segment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.db.InvalidInputException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ContactIdsTest {
    private static List<Long> read(String text) {
        List<Long> ids = new ArrayList<>();
        ContactIds.forEach(new StringReader(text), ids::add);
        return ids;
    }

    @Test
    void readsANumberPerLine() {
        assertThat(read("1\n 22 \n\n-3\n9223372036854775807")).containsExactly(1L, 22L, -3L, Long.MAX_VALUE);
        assertThat(read("1\r\n2\r\n")).containsExactly(1L, 2L);
        assertThat(read("\uFEFF1\n2")).containsExactly(1L, 2L);
    }

    @Test
    void readsTheColumnThatTheHeaderNames() {
        assertThat(read("name,Contact_ID\n\"a,b\",1\n\"c\nd\",2\n")).containsExactly(1L, 2L);
        assertThat(read("contact_id\n1\n2\n")).containsExactly(1L, 2L);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "1~x~3|line 2",
                "1~~~2.5|line 4",
                "1~9223372036854775808|line 2",
                "1~2,3|line 2",
                "contact_id,name~1,a~,b|line 3",
                "id,name~1,a|line 1",
                "one~2|line 1"
            })
    void namesTheLineThatHoldsNoId(String text, String place) {
        assertThatThrownBy(() -> read(text.replace('~', '\n')))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(place);
    }
}
