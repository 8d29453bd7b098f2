package dev.segdiff.run;

import dev.segdiff.db.Printable;
import io.quarkus.logging.LoggingFilter;
import java.util.logging.Filter;
import java.util.logging.LogRecord;
import org.jboss.logmanager.ExtLogRecord;

/**
 * Makes control characters in log messages visible. Names, reasons and errors that come from data can then not forge a
 * line of the log.
 */
@LoggingFilter(name = PrintableLog.NAME)
public final class PrintableLog implements Filter {
    /** The name of this filter in application.properties. */
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
