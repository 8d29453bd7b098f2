package dev.segdiff.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
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

    void line(String text) {
        out.println(text);
        out.flush();
    }

    void json(Object value) {
        try {
            line(json.writeValueAsString(value));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
