package dev.segdiff.server.page;

import dev.segdiff.server.access.Sessions;
import dev.segdiff.server.access.Token;
import dev.segdiff.server.access.Tokens;
import dev.segdiff.server.page.PageView.Viewer;
import io.quarkus.security.ForbiddenException;
import io.quarkus.security.UnauthorizedException;
import io.quarkus.security.identity.SecurityIdentity;
import jakarta.enterprise.context.RequestScoped;
import java.util.Optional;

/** Finds out who looks at the page, and what their forms may do. */
@RequestScoped
public class PageUser {
    private final Tokens tokens;
    private final Sessions sessions;
    private final SecurityIdentity identity;

    public PageUser(Tokens tokens, Sessions sessions, SecurityIdentity identity) {
        this.tokens = tokens;
        this.sessions = sessions;
        this.identity = identity;
    }

    /** Who looks at the page; empty if a login is needed and nobody has logged in. */
    public Optional<Viewer> viewer(String cookie) {
        return token(cookie)
                .map(token -> new Viewer(
                        token.name(),
                        token.right() == Token.Right.RUN,
                        !tokens.isOpen(),
                        sessions.formKey(token, cookie)));
    }

    /**
     * The token of the person who sends a form.
     *
     * @throws UnauthorizedException if nobody has logged in
     * @throws ForbiddenException if the token may only read, or if the form does not belong to this session
     */
    public Token mustRun(String cookie, String formKey) {
        Token token = token(cookie).orElseThrow(UnauthorizedException::new);
        if (token.right() != Token.Right.RUN || !sessions.isFormKey(token, cookie, formKey)) {
            throw new ForbiddenException();
        }
        return token;
    }

    private Optional<Token> token(String cookie) {
        if (identity.isAnonymous()) {
            return Optional.empty();
        }
        return tokens.isOpen() ? Optional.of(tokens.local()) : sessions.verify(cookie);
    }
}
