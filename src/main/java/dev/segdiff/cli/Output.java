package dev.segdiff.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.segdiff.db.Printable;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;

/** Prints results to stdout, as tables for people and as JSON for programs. */
@ApplicationScoped
public class Output {
    private final ObjectMapper json;
    private final PrintWriter out = new PrintWriter(System.out, false, StandardCharsets.UTF_8);

    Output(ObjectMapper json) {
        this.json = json;
    }

    PrintWriter out() {
        return out;
    }

    /** Prints a text that may contain data, as one line. */
    void line(String text) {
        styled(Printable.of(text));
    }

    /** Prints a text with colours and line breaks of segdiff's own. Data in it must have been made printable before. */
    void styled(String text) {
        out.println(text);
        out.flush();
    }

    void table(TextTable table) {
        styled(table.toString());
    }

    void json(Object value) {
        try {
            styled(json.writeValueAsString(value));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
