package dev.segdiff.run;

import dev.segdiff.db.Printable;
import io.quarkus.logging.LoggingFilter;
import java.util.logging.Filter;
import java.util.logging.LogRecord;
import org.jboss.logmanager.ExtLogRecord;

/** What the log says of names, reasons and errors that came from data cannot look like a line of the log's own. */
@LoggingFilter(name = PrintableLog.NAME)
public final class PrintableLog implements Filter {
    /** As application.properties calls it. */
    static final String NAME = "printable";

    @Override
    public boolean isLoggable(LogRecord log) {
        if (log instanceof ExtLogRecord record) {
            String message = String.valueOf(record.getFormattedMessage());
            String printable = Printable.of(message);
            if (!printable.equals(message)) {
                record.setMessage(printable, ExtLogRecord.FormatStyle.NO_FORMAT);
            }
        }
        return true;
    }
}
