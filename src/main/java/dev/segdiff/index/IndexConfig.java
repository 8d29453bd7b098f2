package dev.segdiff.index;

import dev.segdiff.db.ConfigConverters;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Which indexes are rebuilt and which tables are vacuumed, when, and how much of it in one run. */
@ConfigMapping(prefix = "segdiff.index")
public interface IndexConfig {
    /** Other tables than those of segdiff and of the event policies: {@code app.orders} or {@code app.*}. */
    @WithDefault("")
    Optional<List<@WithConverter(TablePattern.FromText.class) TablePattern>> tables();

    /**
     * Pages of an index against those that a fresh one needs. Random inserts split leaves until they are 69 % full (ln 2),
     * against 90 % in a fresh one: 1.3. Less than that would be rebuilt in vain.
     */
    @WithConverter(Ratio.FromText.class)
    @WithDefault("1.5")
    Ratio bloatThreshold();

    /** Smaller ones fit any cache, whatever their bloat; and so little is gained that no lock is worth it. */
    @WithConverter(ByteSize.FromText.class)
    @WithDefault("16MB")
    ByteSize minSize();

    /** What is larger is measured only while nobody uses it: pgstattuple reads all of it, 2 GB in some ten seconds. */
    @WithConverter(ByteSize.FromText.class)
    @WithDefault("2GB")
    ByteSize measureMaxSize();

    /**
     * How much space on the disk a rebuild may take while it lasts. PostgreSQL cannot tell how much there is, so this is
     * the promise of whoever runs it.
     */
    @WithConverter(ByteSize.FromText.class)
    @WithDefault("20GB")
    ByteSize diskSpace();

    /** What bloats again sooner has a cause that rebuilding does not mend. */
    @WithConverter(ConfigConverters.Seconds.class)
    @WithDefault("7d")
    Duration rebuildAgainAfter();

    /** Not more rebuilds in one run. */
    @WithConverter(ConfigConverters.Positive.class)
    @WithDefault("5")
    int maxRebuilds();

    /** Nothing is rebuilt or vacuumed at other times, by segdiff.time-zone; what has begun ends. */
    @WithConverter(TimeWindow.FromText.class)
    @WithDefault("any")
    TimeWindow window();

    /** The longest rebuild or vacuum. */
    @WithConverter(ConfigConverters.Timeout.class)
    @WithDefault("2h")
    Duration statementTimeout();

    /**
     * How long a rebuild waits for transactions that began before it; nobody waits for it meanwhile. One that is older
     * already is not waited for at all.
     */
    @WithConverter(ConfigConverters.Seconds.class)
    @WithDefault("60s")
    Duration maxWait();

    /**
     * A table is vacuumed when this part of its rows is dead, or analyzed when it has changed. Autovacuum comes at a
     * fifth: for a table that loses a percent a day, after weeks.
     */
    @WithConverter(Ratio.Share.class)
    @WithDefault("5%")
    Ratio vacuumShare();

    /** Nor for fewer rows than this: PostgreSQL's own vacuum is there in time for small tables. */
    @WithConverter(ConfigConverters.Positive.class)
    @WithDefault("10000")
    int vacuumMinRows();

    /** Not more tables in one run. */
    @WithConverter(ConfigConverters.Positive.class)
    @WithDefault("20")
    int maxVacuums();
}
