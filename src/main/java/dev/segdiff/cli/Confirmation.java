package dev.segdiff.cli;

import dev.segdiff.db.InvalidInputException;
import java.io.Console;
import java.util.Locale;

/** Asks a person for consent before a change that was shown is made. */
final class Confirmation {
    private Confirmation() {}

    /**
     * Whether the person consents.
     *
     * @param given whether the consent was given in advance, by {@code --yes}
     * @throws InvalidInputException if there is no terminal to ask on
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
