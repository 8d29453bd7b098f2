package dev.segdiff.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.segdiff.db.Printable;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;

/** Results, on stdout: tables for people, JSON for programs. */
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

    /** Text that may hold data, as one line. */
    void line(String text) {
        styled(Printable.of(text));
    }

    /** Text with colours and line breaks of our own; data in it has been made printable. */
    void styled(String text) {
        out.println(text);
        out.flush();
    }

    void table(Table table) {
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
