package dev.segdiff.server.access;

import io.quarkus.security.AuthenticationFailedException;
import io.quarkus.security.identity.IdentityProviderManager;
import io.quarkus.security.identity.SecurityIdentity;
import io.quarkus.security.identity.request.AuthenticationRequest;
import io.quarkus.security.runtime.QuarkusPrincipal;
import io.quarkus.security.runtime.QuarkusSecurityIdentity;
import io.quarkus.vertx.http.runtime.security.ChallengeData;
import io.quarkus.vertx.http.runtime.security.HttpAuthenticationMechanism;
import io.smallrye.mutiny.Uni;
import io.vertx.core.http.Cookie;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Optional;
import java.util.Set;

/**
 * Finds out who sends a request: the bearer of a token, a person who has logged in with a token, or, if no token is
 * configured, this machine.
 */
@ApplicationScoped
public class TokenMechanism implements HttpAuthenticationMechanism {
    public static final String COOKIE = "segdiff_session";

    private static final String BEARER = "Bearer ";

    private final Tokens tokens;
    private final Sessions sessions;

    public TokenMechanism(Tokens tokens, Sessions sessions) {
        this.tokens = tokens;
        this.sessions = sessions;
    }

    @Override
    public Uni<SecurityIdentity> authenticate(RoutingContext context, IdentityProviderManager providers) {
        String header = context.request().getHeader("Authorization");
        if (header != null) {
            Optional<Token> token = header.regionMatches(true, 0, BEARER, 0, BEARER.length())
                    ? tokens.match(header.substring(BEARER.length()).strip())
                    : Optional.empty();
            return token.map(TokenMechanism::identity).orElseGet(() -> Uni.createFrom()
                    .failure(new AuthenticationFailedException("the token is unknown or has expired")));
        }
        Cookie cookie = context.request().getCookie(COOKIE);
        Optional<Token> session = cookie == null ? Optional.empty() : sessions.verify(cookie.getValue());
        if (session.isPresent()) {
            return identity(session.get());
        }
        return tokens.isOpen() ? identity(tokens.local()) : Uni.createFrom().nullItem();
    }

    @Override
    public Uni<ChallengeData> getChallenge(RoutingContext context) {
        return Uni.createFrom().item(new ChallengeData(401, "WWW-Authenticate", "Bearer realm=\"segdiff\""));
    }

    @Override
    public Set<Class<? extends AuthenticationRequest>> getCredentialTypes() {
        return Set.of();
    }

    private static Uni<SecurityIdentity> identity(Token token) {
        return Uni.createFrom()
                .item(QuarkusSecurityIdentity.builder()
                        .setPrincipal(new QuarkusPrincipal(token.name()))
                        .addRoles(token.right().roles())
                        .build());
    }
}
