package dev.segdiff.segment;

import dev.segdiff.support.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A database with segments and their sources. */
abstract class DiffFixture {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @SuppressWarnings("NullAway.Init")
    SegmentFixture segments;

    @BeforeEach
    void wire() {
        segments = new SegmentFixture(db);
    }
}
