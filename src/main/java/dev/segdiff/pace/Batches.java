package dev.segdiff.pace;

import dev.segdiff.db.Database;
import dev.segdiff.run.RunContext;
import jakarta.enterprise.context.ApplicationScoped;

/** Makes the loops ({@link BatchLoop}) in which runs work through many rows. */
@ApplicationScoped
public class Batches {
    private final Database database;
    private final BatchConfig config;

    public Batches(Database database, BatchConfig config) {
        this.database = database;
        this.config = config;
    }

    /**
     * A loop for one table.
     *
     * @param subject how problems name what the loop works for, such as "policy audit"
     * @param count the name under which its rows are counted
     */
    public BatchLoop loop(RunContext run, Gate gate, String subject, String count) {
        return new BatchLoop(this, run, gate, new BatchLoop.Names(subject, count));
    }

    Database database() {
        return database;
    }

    BatchConfig config() {
        return config;
    }
}
