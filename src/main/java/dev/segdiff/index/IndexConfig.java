package dev.segdiff.index;

import dev.segdiff.db.ConfigConverters;
import dev.segdiff.db.Share;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The configuration of index maintenance: which indexes are rebuilt and which tables vacuumed, when, and how many in a
 * run.
 */
@ConfigMapping(prefix = "segdiff.index")
public interface IndexConfig {
    /**
     * More tables to look after, besides segdiff's own tables and those of the event policies: a list of SCHEMA.TABLE
     * separated by commas, where an asterisk stands for any text. Example: app.orders,log.* names one table and all
     * tables of the schema log. Case counts.
     */
    @WithDefault("")
    Optional<List<@WithConverter(TablePattern.FromText.class) TablePattern>> tables();

    /**
     * The bloat from which on an index is rebuilt, as a factor from 1.1 on: the pages of the index, divided by the
     * pages of a fresh one. Random inserts alone bring an index to 1.3, because its leaves are then 69 % full (ln 2),
     * against 90 % in a fresh index. A rebuild below 1.3 would be undone by the next inserts.
     */
    @WithConverter(Ratio.FromText.class)
    @WithDefault("1.5")
    Ratio bloatThreshold();

    /**
     * Indexes that are smaller than this are left alone, whatever their bloat. The unit is kB, MB, GB or TB. A smaller
     * index fits into any cache, and a rebuild gains too little to be worth its locks.
     */
    @WithConverter(ByteSize.FromText.class)
    @WithDefault("16MB")
    ByteSize minSize();

    /**
     * Indexes and tables that are larger than this are measured only while nobody uses the table. Example: 2GB. The
     * extension pgstattuple reads all of an index to measure it, which takes about ten seconds for 2 GB.
     */
    @WithConverter(ByteSize.FromText.class)
    @WithDefault("2GB")
    ByteSize measureMaxSize();

    /**
     * How much disk space one rebuild may take while it lasts. Example: 20GB. An index that needs more is left alone; a
     * rebuild needs three times the size of the fresh index. PostgreSQL cannot tell how much space is free, so this
     * value is your promise to segdiff.
     */
    @WithConverter(ByteSize.FromText.class)
    @WithDefault("20GB")
    ByteSize diskSpace();

    /**
     * How long after a rebuild the same index is not rebuilt again, from 1 s on. An index that is bloated again sooner
     * has a cause that rebuilding does not cure.
     */
    @WithConverter(ConfigConverters.Seconds.class)
    @WithDefault("7d")
    Duration rebuildAgainAfter();

    /**
     * The largest number of rebuilds in one run, from 1 on, including those that failed or gave way. The most wasteful
     * indexes come first; the next run does the rest.
     */
    @WithConverter(ConfigConverters.Positive.class)
    @WithDefault("5")
    int maxRebuilds();

    /**
     * The time of day in which rebuilds and vacuums may begin, in {@code segdiff.time-zone}: any, or a time from which
     * and a time before which, such as 22:00-06:00. A rebuild or vacuum that has begun in the window may end after it.
     */
    @WithConverter(TimeWindow.FromText.class)
    @WithDefault("any")
    TimeWindow window();

    /** The longest time of one rebuild or vacuum, from 1ms to 24d. PostgreSQL ends one that takes longer. */
    @WithConverter(ConfigConverters.Timeout.class)
    @WithDefault("2h")
    Duration statementTimeout();

    /**
     * The longest time that a rebuild waits for transactions that began before it, from 1 s on. Nobody waits for the
     * rebuild meanwhile. If a transaction has been open for longer than this already, the rebuild does not start.
     */
    @WithConverter(ConfigConverters.Seconds.class)
    @WithDefault("60s")
    Duration maxWait();

    /**
     * The share of a table's rows from which on the table is vacuumed, if these rows are dead, or analyzed, if these
     * rows have changed: 0% to 100%. By default PostgreSQL's autovacuum vacuums at 20 %, which a table that loses 1 % a
     * day reaches after weeks only.
     */
    @WithConverter(Share.FromText.class)
    @WithDefault("5%")
    Share vacuumShare();

    /**
     * The smallest number of dead or changed rows for which a table is vacuumed or analyzed, from 1 on. PostgreSQL's
     * own autovacuum comes in time for small tables.
     */
    @WithConverter(ConfigConverters.Positive.class)
    @WithDefault("10000")
    int vacuumMinRows();

    /**
     * The largest number of tables that one run vacuums, analyzes or freezes, from 1 on. The next run does the rest.
     */
    @WithConverter(ConfigConverters.Positive.class)
    @WithDefault("20")
    int maxVacuums();
}
