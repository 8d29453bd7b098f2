package dev.segdiff.server.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.db.InvalidInputException;
import dev.segdiff.server.access.Token.Right;
import dev.segdiff.support.TestClock;
import dev.segdiff.support.TestConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokensTest {
    private static final String ANNA = "0123456789abcdef-anna";
    private static final String BOB = "0123456789abcdef-bob";

    private final TestClock clock = new TestClock(Instant.parse("2026-03-01T12:00:00Z"));

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    private Path file() {
        return directory.resolve("tokens");
    }

    private void write(String... lines) throws IOException {
        Files.writeString(file(), String.join("\n", lines));
    }

    private Tokens fromFile(String... lines) throws IOException {
        write(lines);
        return tokens("0.0.0.0", "segdiff.api.tokens-file", file().toString());
    }

    private Tokens tokens(String host, String... settings) {
        Tokens tokens = new Tokens(TestConfig.of(ApiConfig.class, settings), clock, host);
        tokens.load();
        return tokens;
    }

    @Test
    void tokenOfTheConfigurationMayDoEverything() {
        Tokens tokens = tokens("0.0.0.0", "segdiff.api.token", ANNA);

        assertThat(tokens.match(ANNA)).get().satisfies(token -> {
            assertThat(token.name()).isEqualTo("admin");
            assertThat(token.right()).isEqualTo(Right.RUN);
        });
        assertThat(tokens.match(BOB)).isEmpty();
        assertThat(tokens.match("")).isEmpty();
    }

    @Test
    void fileGivesNamesRightsAndEnds() throws IOException {
        Tokens tokens = fromFile("# people", "", "anna run " + ANNA, "bob  read  " + BOB + "  2026-03-02 ");

        assertThat(tokens.match(ANNA)).get().extracting(Token::right).isEqualTo(Right.RUN);
        assertThat(tokens.match(BOB)).get().extracting(Token::right).isEqualTo(Right.READ);

        clock.forward(Duration.ofHours(12));

        assertThat(tokens.match(BOB)).isEmpty();
        assertThat(tokens.named("bob")).isEmpty();
        assertThat(tokens.match(ANNA)).isPresent();
    }

    @Test
    void changedFileIsReadAgain() throws IOException {
        Tokens tokens = fromFile("anna run " + ANNA);

        write("bob run " + BOB);
        clock.forward(Duration.ofSeconds(2));

        assertThat(tokens.match(ANNA)).isEmpty();
        assertThat(tokens.match(BOB)).isPresent();
    }

    @Test
    void mountedSecretThatIsSwappedByALinkIsReadAgain() throws IOException {
        Path one = Files.writeString(directory.resolve("one"), "anna run " + ANNA);
        Path two = Files.writeString(directory.resolve("two"), "anna run " + ANNA.replace("anna", "ANNA"));
        Files.setLastModifiedTime(two, Files.getLastModifiedTime(one));
        Files.createSymbolicLink(file(), one);
        Tokens tokens = tokens("0.0.0.0", "segdiff.api.tokens-file", file().toString());

        Files.delete(file());
        Files.createSymbolicLink(file(), two);
        clock.forward(Duration.ofSeconds(2));

        assertThat(tokens.match(ANNA)).isEmpty();
    }

    @Test
    void brokenFileChangesNothingWhileServing() throws IOException {
        Tokens tokens = fromFile("anna run " + ANNA);

        write("anna runs " + BOB);
        clock.forward(Duration.ofSeconds(2));
        assertThat(tokens.match(ANNA)).isPresent();

        Files.delete(file());
        clock.forward(Duration.ofSeconds(2));
        assertThat(tokens.match(ANNA)).isPresent();

        write("bob run " + BOB);
        clock.forward(Duration.ofSeconds(2));
        assertThat(tokens.match(BOB)).isPresent();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "anna run; expected NAME read|run TOKEN [YYYY-MM-DD], got 2 fields",
                "anna runs 0123456789abcdef; expected read or run as second field, got 'runs'",
                "an/na run 0123456789abcdef; expected a name of letters",
                "anna run short; the token has less than 16 characters",
                "anna run 0123456789abcdef soon; expected a day such as 2027-01-31 as fourth field, got 'soon'",
            },
            quoteCharacter = '"')
    void mistakesAreToldWithTheirLineAndWithoutTheSecret(String line, String expected) {
        assertThatThrownBy(() -> fromFile("# people", line))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("line 2: " + expected)
                .hasMessageNotContaining("0123456789abcdef");
    }

    @Test
    void shortTokenOfTheConfigurationIsRefused() {
        assertThatThrownBy(() -> tokens("0.0.0.0", "segdiff.api.token", "secret"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("openssl rand")
                .hasMessageNotContaining("secret ");
    }

    @Test
    void nameThatComesTwiceIsRefused() {
        assertThatThrownBy(() -> fromFile("anna run " + ANNA, "anna read " + BOB))
                .hasMessageContaining("the name anna comes twice");
    }

    @ParameterizedTest
    @CsvSource({"127.0.0.1,true", "localhost,true", "::1,true", "0.0.0.0,false", "192.0.2.1,false"})
    void withoutATokenOnlyThisMachineMayAsk(String host, boolean open) {
        assertThat(tokens(host).isOpen()).isEqualTo(open);
    }

    @Test
    void withATokenNobodyMayAskWithout() throws IOException {
        assertThat(tokens("127.0.0.1", "segdiff.api.token", ANNA).isOpen()).isFalse();
        write("");
        assertThat(tokens("127.0.0.1", "segdiff.api.tokens-file", file().toString())
                        .isOpen())
                .isFalse();
    }

    @Test
    void sessionEndsWithItsTimeAndWithItsToken() throws IOException {
        Tokens tokens = fromFile("anna run " + ANNA);
        Sessions sessions = new Sessions(tokens, TestConfig.of(ApiConfig.class), clock);
        String cookie = sessions.open(tokens.match(ANNA).orElseThrow());
        assertThat(sessions.verify(cookie)).get().extracting(Token::name).isEqualTo("anna");

        clock.forward(Duration.ofHours(8));
        assertThat(sessions.verify(cookie)).isEmpty();

        String another = sessions.open(tokens.match(ANNA).orElseThrow());
        write("anna run " + BOB);
        clock.forward(Duration.ofSeconds(2));
        assertThat(sessions.verify(another)).isEmpty();
    }

    @Test
    void sessionIsOfNoUseChanged() throws IOException {
        Tokens tokens = fromFile("anna read " + ANNA, "bob run " + BOB);
        Sessions sessions = new Sessions(tokens, TestConfig.of(ApiConfig.class), clock);
        String anna = sessions.open(tokens.match(ANNA).orElseThrow());
        String bob = sessions.open(tokens.match(BOB).orElseThrow());
        String[] parts = anna.split("\\.");

        assertThat(sessions.verify("")).isEmpty();
        assertThat(sessions.verify("a.b.c.d")).isEmpty();
        assertThat(sessions.verify(bob.split("\\.")[0] + "." + parts[1] + "." + parts[2] + "." + parts[3]))
                .isEmpty();
        assertThat(sessions.verify(parts[0] + ".9999999999." + parts[2] + "." + parts[3]))
                .isEmpty();
        assertThat(sessions.verify(anna.substring(0, anna.length() - 1))).isEmpty();
    }

    @Test
    void formKeyIsThatOfTheSession() throws IOException {
        Tokens tokens = fromFile("anna run " + ANNA, "bob run " + BOB);
        Sessions sessions = new Sessions(tokens, TestConfig.of(ApiConfig.class), clock);
        Token anna = tokens.match(ANNA).orElseThrow();
        String cookie = sessions.open(anna);
        String other = sessions.open(anna);

        assertThat(sessions.isFormKey(anna, cookie, sessions.formKey(anna, cookie)))
                .isTrue();
        assertThat(sessions.isFormKey(anna, cookie, sessions.formKey(anna, other)))
                .isFalse();
        assertThat(sessions.isFormKey(anna, cookie, "")).isFalse();
    }
}
