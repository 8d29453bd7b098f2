package dev.segdiff.cli;

import dev.segdiff.db.InvalidInputException;
import java.io.Console;
import java.util.Locale;

/** Asks a person before something is changed that was shown. */
final class Confirmation {
    private Confirmation() {}

    /**
     * Whether to go on.
     *
     * @param given that the answer was given in advance, by {@code --yes}
     * @throws InvalidInputException if nobody can be asked
     */
    static boolean ask(String question, boolean given) {
        if (given) {
            return true;
        }
        Console console = System.console();
        if (console == null) {
            throw new InvalidInputException("nobody can be asked here: look with --dry-run, then go on with --yes");
        }
        String answer = console.readLine("%s [y/N] ", question);
        return answer != null && answer.strip().toLowerCase(Locale.ROOT).matches("y|yes");
    }
}
